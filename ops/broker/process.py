"""Runs nodes as local Java processes."""

# mypy: allow-untyped-calls
from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ops.broker import archive, jars, java, storage
from ops.broker.layout import Layout, Node
from ops.broker.properties import node_properties, write
from ops.broker.values import KAFKA_VERSION, Progress, Unavailable

try:
    from ops.broker import pids
except ImportError:  # psutil is missing: the extra `local` is not installed
    pids = None  # type: ignore[assignment]

_LOG_KEPT_BYTES = 4 * 1024 * 1024


class ProcessWay:
    """Kafka in a JVM of its own for each node."""

    how: Literal["process"] = "process"
    version = KAFKA_VERSION
    image = ""

    def __init__(self) -> None:
        self._java: java.Java | None = None
        self._libs: Path | None = None
        self.learning = False

    def prepare(self, progress: Progress) -> None:
        """See `Way`: finds Java, fetches the jars once."""
        if pids is None:
            raise Unavailable("the Python package psutil is missing: `pip install 'tierbus[local]'`")
        if self._java is None or self._libs is None:
            self._java = java.find()
            self._libs = jars.ensure(progress)

    def launch(self, layout: Layout, node: Node, *, kept: bool) -> Node:
        """See `Way`."""
        self.prepare(lambda _: None)
        assert self._java is not None
        assert self._libs is not None
        class_path = jars.class_path(self._libs)
        node.directory.mkdir(parents=True, exist_ok=True)
        write(node.properties_path, node_properties(layout, node))
        # A predecessor that the state file does not know of would hold the data's lock and fail this start.
        for stray in pids.with_last_argument(str(node.properties_path)):
            pids.end(stray, timeout_s=10.0)
        if not storage.is_formatted(node.data_path):
            storage.format_data(layout, node, self._java, class_path)
        _shorten(node.log_path)
        class_archive = archive.reading(self._java)
        # One node is enough to learn from: the last, which stops first, while the others can still let it go.
        if not class_archive and node.node_id == layout.nodes[-1].node_id:
            class_archive = archive.writing(self._java, node.directory)
            self.learning = bool(class_archive)
        command = [
            str(self._java.path),
            *jvm_options(len(layout.nodes)),
            *class_archive,
            "-Djava.awt.headless=true",
            # It owns no configuration file, and a level below warn is half the time of a start.
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
            "-cp",
            class_path,
            "kafka.Kafka",
            str(node.properties_path),
        ]
        pid, created_s = pids.spawn_detached(command, node.log_path)
        return replace(node, pid=pid, created_s=created_s)

    def alive(self, node: Node) -> bool:
        """See `Way`."""
        return pids.find(node.pid, node.created_s) is not None

    def stop(self, node: Node, *, timeout_s: float, hard: bool = False) -> bool:
        """See `Way`."""
        process = pids.find(node.pid, node.created_s)
        if process is None:
            return False
        if pids.end(process, timeout_s=timeout_s, hard=hard):
            archive.adopt(node.directory)
        return True

    def pause(self, node: Node) -> None:
        """See `Way`; SIGSTOP."""
        if process := pids.find(node.pid, node.created_s):
            process.suspend()

    def resume(self, node: Node) -> None:
        """See `Way`; SIGCONT."""
        if process := pids.find(node.pid, node.created_s):
            process.resume()

    def log_tail(self, node: Node, lines: int = 15) -> str:
        """See `Way`."""
        try:
            with node.log_path.open("rb") as log:
                log.seek(max(0, node.log_path.stat().st_size - 16_384))
                text = log.read().decode("utf-8", errors="replace")
        except OSError as error:
            return f"(no log: {error})"
        return "\n".join(text.splitlines()[-lines:])

    def wipe(self, layout: Layout) -> None:
        """See `Way`."""
        for node in layout.nodes:
            shutil.rmtree(node.directory, ignore_errors=True)


def jvm_options(brokers: int) -> list[str]:
    """Options for a quick start and little memory; TIERBUS_KAFKA_JVM_OPTS replaces them all.

    The second compiler is off: it makes a broker faster after a minute and takes a core from everybody until
    then. Measure throughput with TIERBUS_KAFKA_JVM_OPTS="-Xmx1g" or your server's own options.
    """
    if own := os.environ.get("TIERBUS_KAFKA_JVM_OPTS"):
        return shlex.split(own)
    heap = "1g" if brokers == 1 else "512m"
    return ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Xmx{heap}", "-XX:+ExitOnOutOfMemoryError"]


def _shorten(log: Path) -> None:
    """Begins a new log when the old one has grown large; one older log is kept."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))

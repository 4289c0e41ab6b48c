"""Runs the real Apicurio Registry for a test, on loopback, with nothing of it left afterwards."""

# mypy: allow-untyped-calls
from __future__ import annotations

import contextlib
import http.client
import random
import shutil
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.broker import java, pids, ports
from ops.broker.layout import LOOPBACK
from ops.broker.temporary import Watchdog
from tests import apicurio_archive
from tests.authorization import basic

OLDEST_JAVA = 21
CONFLUENT_PATH = "/apis/ccompat/v7"
START_TIMEOUT_S = 90.0
_STOP_S = 10.0
_POLL_S = 0.05
_TAIL_BYTES, _TAIL_LINES = 16_384, 20


class RegistryError(Exception):
    """The registry could not be started: says what, where, and what its log ends with."""


@dataclass(frozen=True, slots=True)
class Security:
    """What a registry with TLS and a password is started with.

    Attributes:
        ca_path: The authority that clients trust, PEM.
        certificate_path: The registry's certificate for 127.0.0.1 with its chain, PEM.
        key_path: The certificate's key, PEM.
        username: Who may use it.
        password: With which password (HTTP Basic).
    """

    ca_path: Path
    certificate_path: Path
    key_path: Path
    username: str
    password: str


class Apicurio:
    """A running registry, to be stopped, killed, frozen and started again.

    Its schemas are in a file database of its own: they are kept through stops and starts, and gone at the end.
    Its methods block, each within a bound; call them by `asyncio.to_thread` from a coroutine.
    """

    def __init__(self, folder: Path, watchdog: Watchdog, security: Security | None = None) -> None:
        rng = random.Random()
        self._folder = folder
        self._watchdog = watchdog
        self._security = security
        self._port = ports.choose(None, (), rng)
        self._management_port = ports.choose(None, (self._port,), rng)
        self._pid: int | None = None
        self._born_s: float | None = None

    def __repr__(self) -> str:
        return f"<Apicurio {self.url} | {'alive' if self.alive() else 'stopped'}>"

    @property
    def url(self) -> str:
        """Where the Confluent API is; the same through stops and starts."""
        return f"{'https' if self._security else 'http'}://{LOOPBACK}:{self._port}{CONFLUENT_PATH}"

    @property
    def pid(self) -> int | None:
        """The process id; None while it is stopped."""
        return self._pid

    @property
    def log_path(self) -> Path:
        """Where it writes what it has to say."""
        return self._folder / "registry.log"

    def alive(self) -> bool:
        """Whether it runs, frozen or not."""
        return pids.find(self._pid, self._born_s) is not None

    def log_tail(self) -> str:
        """The last lines that it wrote."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, self.log_path.stat().st_size - _TAIL_BYTES))
                text = log.read().decode("utf-8", errors="replace")
        except OSError as error:
            return f"(no log: {error})"
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    def start(self, *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Starts it, with the schemas that it had; returns when it answers.

        Args:
            timeout_s: Bound for the start, without the first fetch of the registry.

        Raises:
            RegistryError: It ended, or does not answer in time; it is stopped then.
            BrokerError: There is no Java that is new enough, or the registry could not be fetched.
        """
        if self.alive():
            return
        self.stop()  # forgets one that ended by itself
        command = self._command()
        deadline = time.monotonic() + timeout_s
        self._pid, self._born_s = pids.spawn_detached(command, self.log_path)
        self._watchdog.watch_process(self._pid)
        try:
            self._wait(deadline)
        except BaseException:  # Ctrl-C as well: nothing half-started stays behind
            self.stop(hard=True)
            raise

    def stop(self, *, hard: bool = False) -> None:
        """Stops it and keeps its schemas; `hard` is kill -9. Returns when it is gone."""
        if self._pid is None:
            return
        if process := pids.find(self._pid, self._born_s):
            pids.end(process, timeout_s=_STOP_S, hard=hard)
        self._watchdog.forget_process(self._pid)
        self._pid = self._born_s = None

    def pause(self) -> None:
        """Freezes it (SIGSTOP): connections are accepted, nothing is answered."""
        if process := pids.find(self._pid, self._born_s):
            process.suspend()

    def resume(self) -> None:
        """Lets a frozen one go on (SIGCONT)."""
        if process := pids.find(self._pid, self._born_s):
            process.resume()

    def _wait(self, deadline: float) -> None:
        while not self._answers():
            if not self.alive():
                raise RegistryError(f"Apicurio Registry ended while starting; {self._log()}")
            if time.monotonic() >= deadline:
                raise RegistryError(f"Apicurio Registry on {self.url} does not answer in time; {self._log()}")
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        headers = {}
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=2.0)
        if self._security:
            context = ssl.create_default_context(cafile=self._security.ca_path)
            connection = http.client.HTTPSConnection(LOOPBACK, self._port, timeout=2.0, context=context)
            headers["Authorization"] = basic(self._security.username, self._security.password)
        with contextlib.closing(connection):
            try:
                connection.request("GET", f"{CONFLUENT_PATH}/subjects", headers=headers)
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    def _log(self) -> str:
        return f"its log ({self.log_path}) ends with:\n{self.log_tail()}"

    def _command(self) -> list[str]:
        runtime = java.find(OLDEST_JAVA)
        runner = apicurio_archive.ensure(lambda said: print(said, file=sys.stderr))
        temporary_files = self._folder / "tmp"
        temporary_files.mkdir(exist_ok=True)
        properties = {
            "java.io.tmpdir": temporary_files,
            "quarkus.http.host": LOOPBACK,
            "quarkus.http.port": self._port,
            "quarkus.management.host": LOOPBACK,
            "quarkus.management.port": self._management_port,
            # A commit that was answered is on disk even if the process is killed right after.
            "apicurio.datasource.url": f"jdbc:h2:file:{self._folder / 'schemas'};WRITE_DELAY=0",
            "apicurio.datasource.jdbc.initial-size": 1,
            "apicurio.datasource.jdbc.min-size": 1,
            "quarkus.http.access-log.enabled": "false",
        }
        if self._security:
            properties |= self._secure_properties(self._security)
        return [
            str(runtime.path),
            # For a quick start and little memory.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Xmx256m",
            "-XX:+ExitOnOutOfMemoryError",
            *(f"-D{name}={value}" for name, value in properties.items()),
            "-jar",
            str(runner),
        ]

    def _secure_properties(self, security: Security) -> dict[str, object]:
        return {
            "quarkus.http.insecure-requests": "disabled",
            "quarkus.http.ssl-port": self._port,
            "quarkus.http.ssl.certificate.files": security.certificate_path,
            "quarkus.http.ssl.certificate.key-files": security.key_path,
            # Quarkus warns that this was fixed when it was built; Apicurio asks for it all the same.
            "quarkus.http.auth.basic": "true",
            "quarkus.security.users.embedded.plain-text": "true",
            f"quarkus.security.users.embedded.users.{security.username}": security.password,
            f"quarkus.security.users.embedded.roles.{security.username}": "sr-admin",
            "quarkus.http.auth.permission.all.paths": "/*",
            "quarkus.http.auth.permission.all.policy": "authenticated",
        }


@contextmanager
def apicurio(security: Security | None = None) -> Iterator[Apicurio]:
    """A new registry on free ports, with a folder of its own; gone at the end, also when this process is killed.

    Raises:
        RegistryError: It did not start; nothing is left running.
        BrokerError: There is no Java that is new enough, or the registry could not be fetched.
    """
    folder = Path(tempfile.mkdtemp(prefix="tierbus-registry-"))
    try:
        with Watchdog() as watchdog:
            watchdog.remove_at_end(folder)
            registry = Apicurio(folder, watchdog, security)
            try:
                registry.start()
                yield registry
            finally:
                registry.stop(hard=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

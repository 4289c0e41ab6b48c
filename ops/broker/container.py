"""Runs nodes as Docker containers of the apache/kafka image."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from ops.broker.layout import LABEL, LOOPBACK, Layout, Node, label
from ops.broker.properties import container_environment
from ops.broker.values import KAFKA_VERSION, BrokerError, Progress, Unavailable

_PING_S = 2.0
_CALL_S = 30.0
_PULL_SILENCE_S = 20.0
_PULL_S = 300.0


def default_image() -> str:
    """The image to run: TIERBUS_KAFKA_IMAGE, else Apache's own of the pinned version."""
    return os.environ.get("TIERBUS_KAFKA_IMAGE") or f"apache/kafka:{KAFKA_VERSION}"


class ContainerWay:
    """Kafka in a container of its own for each node, reachable from this machine only."""

    how: Literal["container"] = "container"
    learning = False

    def __init__(self, image: str | None = None) -> None:
        """Runs that image, by default the one that the environment names."""
        self.image = image or default_image()

    @property
    def version(self) -> str:
        """The image's tag."""
        return self.image.rpartition(":")[2]

    def prepare(self, progress: Progress) -> None:
        """See `Way`: asks the daemon, pulls the image once."""
        with _docker(_PING_S) as client:
            host = client.api.base_url
            if not host.startswith(("http+docker", "npipe", "http://localhost", f"http://{LOOPBACK}")):
                # Ports are bound to the loopback of the daemon's machine, which is not this one.
                raise Unavailable(f"the Docker daemon is on another machine ({host}); run one here")
            if _has(client, self.image):
                return
        progress(f"pulling {self.image}, once for this Docker")
        with _docker(_PULL_SILENCE_S) as client:
            _pull(client, self.image)

    def launch(self, layout: Layout, node: Node, *, kept: bool) -> Node:
        """See `Way`; the container of a node that ran before is started again with its data and ports."""
        with _docker(_CALL_S) as client, _errors(f"starting {_name(layout, node)}"):
            if node.container and (old := _get(client, node.container)):
                if _published_port(old) == node.port:
                    old.start()
                    return node
                raise BrokerError(
                    f"port {_published_port(old)} of container {old.name} is taken by another program, and a "
                    "container cannot change its port: free it, or use --fresh"
                )
            from ops.broker.kafka_container import KafkaContainer

            name = _name(layout, node)
            if left := _get(client, name):  # of a start that was broken off before it was noted
                left.remove(force=True, v=True)
            peers = {n.node_id: _name(layout, n) for n in layout.nodes}
            if len(peers) > 1 and not client.networks.list(names=[_network(layout)]):
                client.networks.create(_network(layout), labels={LABEL: layout.name})
            container = KafkaContainer(
                self.image,
                name=name,
                port=node.port,
                environment=container_environment(layout, node, name, peers),
                network=_network(layout) if len(peers) > 1 else None,
                labels={LABEL: layout.name},
                kept=kept,
            )
            try:
                container.start()
            finally:
                container.get_docker_client().client.close()
            return replace(node, container=container.get_container_id())

    def alive(self, node: Node) -> bool:
        """See `Way`."""
        if node.container is None:
            return False
        with _docker(_CALL_S) as client:
            found = _get(client, node.container)
            return found is not None and found.status in ("running", "paused", "restarting")

    def stop(self, node: Node, *, timeout_s: float, hard: bool = False) -> bool:
        """See `Way`."""
        with self._container(node) as found:
            if found is None or found.status not in ("running", "paused", "restarting"):
                return False
            if hard:
                found.kill()
            else:
                if found.status == "paused":
                    found.unpause()
                found.stop(timeout=max(1, round(timeout_s)))
            found.wait(timeout=timeout_s + _CALL_S)
            return True

    def pause(self, node: Node) -> None:
        """See `Way`."""
        with self._container(node) as found:
            if found is not None:
                found.pause()

    def resume(self, node: Node) -> None:
        """See `Way`."""
        with self._container(node) as found:
            if found is not None:
                found.unpause()

    def log_tail(self, node: Node, lines: int = 15) -> str:
        """See `Way`."""
        with self._container(node) as found:
            return found.logs(tail=lines).decode("utf-8", errors="replace") if found is not None else "(no container)"

    def wipe(self, layout: Layout) -> None:
        """See `Way`: removes the containers with their volumes, and their network."""
        with _docker(_CALL_S) as client, _errors(f"removing the containers of '{layout.name}'"):
            for node in layout.nodes:
                for found in filter(None, {_get(client, node.container or ""), _get(client, _name(layout, node))}):
                    if found.labels.get(LABEL) == layout.name:
                        found.remove(force=True, v=True)
            for network in client.networks.list(names=[_network(layout)], filters={"label": label(layout)}):
                network.remove()

    @contextmanager
    def _container(self, node: Node) -> Iterator[Any]:
        with _docker(_CALL_S) as client, _errors(f"broker {node.node_id}"):
            yield _get(client, node.container) if node.container else None


@contextmanager
def _docker(timeout_s: float) -> Iterator[Any]:
    """A client of the Docker daemon that answers.

    Raises:
        Unavailable: None does, or the packages that speak to it are missing.
    """
    try:
        import docker  # type: ignore[import-untyped]
        from testcontainers.core.docker_client import DockerClient as Finder
        from testcontainers.core.docker_client import get_docker_host
    except ImportError:
        raise Unavailable("the Python package testcontainers is missing: `pip install 'tierbus[local]'`") from None
    logging.getLogger("testcontainers").setLevel(logging.WARNING)
    host = get_docker_host() or "unix:///var/run/docker.sock"
    # Asked first, because docker's client leaves a socket open when it meets nobody.
    if os.name == "posix" and host.startswith("unix://"):
        _call(host)
    client = None
    try:
        # Unlike docker.from_env this finds the daemon of the current Docker context too.
        client = Finder(timeout=timeout_s).client
        client.ping()
    except (docker.errors.DockerException, OSError, ValueError) as error:
        if client is not None:
            client.close()
        raise Unavailable(f"no Docker daemon answers at {host}") from error
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _errors(doing: str) -> Iterator[None]:
    """Docker's errors as ours."""
    import docker
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError, RuntimeError) as error:
        raise BrokerError(f"{doing}: Docker says: {_words(error)}") from error


def _call(host: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PING_S)
        try:
            connection.connect(host.removeprefix("unix://"))
        except OSError as error:
            raise Unavailable(f"no Docker daemon answers at {host} ({error.strerror or error})") from error


def _words(error: Exception) -> str:
    """Docker's own explanation, without the request that it was given for."""
    return str(getattr(error, "explanation", None) or error).strip()[:300]


def _has(client: Any, wanted: str) -> bool:
    import docker

    try:
        client.images.get(wanted)
    except docker.errors.DockerException:
        return False
    return True


def _pull(client: Any, wanted: str) -> None:
    """Pulls the image; gives up when nothing is heard for `_PULL_SILENCE_S`, or after `_PULL_S`.

    Raises:
        Unavailable: It cannot be pulled here.
    """
    import docker
    import requests

    deadline = time.monotonic() + _PULL_S
    repository, _, tag = wanted.rpartition(":") if ":" in wanted.rsplit("/", 1)[-1] else (wanted, "", "latest")
    try:
        for event in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise Unavailable(f"image {wanted} cannot be pulled: {event['error'][:200]}")
            if time.monotonic() > deadline:
                raise Unavailable(f"image {wanted} was not pulled within {_PULL_S:g} s; try `docker pull {wanted}`")
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise Unavailable(f"image {wanted} cannot be pulled: {_words(error)}") from error


def _get(client: Any, name: str) -> Any:
    import docker

    with contextlib.suppress(docker.errors.NotFound):
        return client.containers.get(name) if name else None
    return None


def _published_port(container: Any) -> int | None:
    bindings = container.attrs["HostConfig"]["PortBindings"] or {}
    return next((int(b["HostPort"]) for b in bindings.get("9092/tcp", ())), None)


def _name(layout: Layout, node: Node) -> str:
    return f"{_network(layout)}-{node.node_id}"


def _network(layout: Layout) -> str:
    return layout.name if layout.name.startswith("tierbus-") else f"tierbus-{layout.name}"

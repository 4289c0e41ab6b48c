"""The ways to run a broker here, in the order they are tried."""

from __future__ import annotations

from collections.abc import Sequence

from ops.broker.container import ContainerWay
from ops.broker.process import ProcessWay
from ops.broker.values import BrokerError
from ops.broker.way import Way

ORDER = ("container", "process")


def of(how: str, image: str = "") -> Way:
    """The way of that name; a container's `image` is by default the one that the environment names.

    Raises:
        BrokerError: There is no such way.
    """
    if how == "container":
        return ContainerWay(image)
    if how == "process":
        return ProcessWay()
    raise BrokerError(f"how is {how!r}; here it can be 'container' or 'process'")


def none_works(reasons: Sequence[str]) -> str:
    """The message when every way was tried: what was found, and how to get each."""
    tried = "\n".join(f"  - {reason}" for reason in reasons)
    return (
        f"no Kafka broker can be had on this machine.\n{tried}\n"
        "Any one of these is enough:\n"
        "  - set TIERBUS_BOOTSTRAP_SERVERS to a broker that you have;\n"
        "  - start Docker, with the image apache/kafka:4.3.1 or another in TIERBUS_KAFKA_IMAGE;\n"
        "  - install Java 17 or newer and Maven;\n"
        "  - pip install 'tierbus[local]', which needs neither."
    )

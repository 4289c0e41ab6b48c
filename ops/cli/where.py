"""Which cluster a verb talks to, and as what."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ops.cli.failing import WrongUse

if TYPE_CHECKING:
    from bus import Settings

_SERVERS = "TIERBUS_BOOTSTRAP_SERVERS"


def settings_for(servers: str | None, namespace: str | None) -> Settings:
    """Settings of the environment with the options over them; without servers, those of the broker of `tierbus up`.

    Raises:
        SettingsError: The environment's settings are wrong.
        WrongUse: An option is empty.
    """
    from bus import Settings

    values: dict[str, Any] = {}
    chosen = servers if servers is not None else known_servers()
    if chosen is not None:
        values["bootstrap_servers"] = given(chosen, "--servers")
    if namespace is not None:
        values["namespace"] = given(namespace, "--namespace")
    return Settings(**values)


def known_servers() -> str | None:
    """The broker of `tierbus up` when it answers and the environment names none; `None` leaves it to settings."""
    if any(name.upper() == _SERVERS for name in os.environ):
        return None
    from ops.broker import status

    broker = status()
    return broker.bootstrap_servers if broker.answering else None


def given(value: str, option: str) -> str:
    """The option's value.

    Raises:
        WrongUse: It is empty.
    """
    if not value.strip():
        raise WrongUse(f"{option} is empty; give a value or leave it out")
    return value.strip()

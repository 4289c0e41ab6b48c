"""Values of the Authorization header."""

from __future__ import annotations

import base64


def basic(username: str, password: str) -> str:
    """A login by name and password (HTTP Basic)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def bearer(token: str) -> str:
    """A login by a token."""
    return f"Bearer {token}"

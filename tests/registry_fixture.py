"""Fixtures that hand a real schema registry to tests; a conftest imports them by name.

No registry means a failure, not a skip: a suite that tested nothing must not be green. The first run of a user
fetches 158 MB: a test that asks for one of these needs a `pytest.mark.timeout` of some minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.apicurio import Apicurio, Security, apicurio

__all__ = ["SecureRegistry", "registry_url", "restartable_registry", "secure_registry"]

USERNAME, PASSWORD = "alice", "alice-secret"


@pytest.fixture(scope="session")
def registry_url() -> Iterator[str]:
    """The Confluent API's URL of the one registry of this run; subjects that begin with `namespace` are a test's own.

    Its global compatibility is NONE, it knows no GUIDs, and `normalize` changes nothing.
    """
    with apicurio() as registry:
        yield registry.url


@pytest.fixture
def restartable_registry() -> Iterator[Apicurio]:
    """A registry of the test's own, to be stopped, killed, frozen and started again; its schemas are kept."""
    with apicurio() as registry:
        yield registry


@dataclass(frozen=True, slots=True)
class SecureRegistry:
    """A registry behind TLS that answers only who logs in (HTTP Basic)."""

    url: str
    ca_path: Path
    username: str
    password: str


@pytest.fixture(scope="session")
def secure_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRegistry]:
    """A registry with TLS and a password, its certificate made for 127.0.0.1 by an authority of this run."""
    security = new_security(tmp_path_factory.mktemp("registry-tls"))
    with apicurio(security) as registry:
        yield SecureRegistry(registry.url, security.ca_path, security.username, security.password)


def new_security(folder: Path, *, username: str = USERNAME, password: str = PASSWORD) -> Security:
    """Makes an authority and a certificate for 127.0.0.1 in `folder`."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    security = Security(folder / "ca.pem", folder / "server.pem", folder / "server.key", username, password)
    authority.cert_pem.write_to_path(str(security.ca_path))
    security.certificate_path.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    server.private_key_pem.write_to_path(str(security.key_path))
    return security

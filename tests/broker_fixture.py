"""Fixtures that hand a real Kafka broker to tests; a conftest imports them by name.

No broker means a failure, not a skip: a suite that tested nothing must not be green.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from ops.broker import Cluster, temporary, ways
from ops.broker.given import servers as given_servers
from ops.broker.given import use as use_given
from ops.broker.values import Unavailable

__all__ = [
    "SecureCluster",
    "broker",
    "container_broker",
    "namespace",
    "restartable_cluster",
    "secure_cluster",
    "secure_properties",
]

USERNAME, PASSWORD = "alice", "alice-secret"


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Bootstrap servers of the one broker of this run.

    TIERBUS_TEST_BROKER (given, container, process) forces a way; else it is the broker that
    TIERBUS_BOOTSTRAP_SERVERS names, else a process, else a container.
    """
    forced = os.environ.get("TIERBUS_TEST_BROKER")
    named = given_servers()
    if forced == "given" or (forced is None and named):
        if not named:
            pytest.fail("TIERBUS_TEST_BROKER is 'given' and TIERBUS_BOOTSTRAP_SERVERS is not set")
        yield use_given(named).bootstrap_servers
        return
    with temporary(how=forced) as cluster:
        yield cluster.bootstrap_servers


@pytest.fixture
def namespace() -> str:
    """A prefix that no other test has, so that tests can share a broker."""
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def container_broker() -> Iterator[Cluster]:
    """A broker in a container; skips where Docker or the image is missing, unless TIERBUS_REQUIRE_DOCKER=1."""
    if os.environ.get("TIERBUS_REQUIRE_DOCKER") != "1":
        try:
            ways.of("container").prepare(print)
        except Unavailable as error:
            pytest.skip(f"no container: {error}")
    with temporary(how="container", timeout_s=120) as cluster:
        yield cluster


@pytest.fixture
def restartable_cluster() -> Iterator[Cluster]:
    """A broker of the test's own, to be stopped, killed, frozen and started again."""
    with temporary() as cluster:
        yield cluster


@dataclass(frozen=True, slots=True)
class SecureSettings:
    """What `temporary` needs for secure listeners, and what a client needs to use them."""

    extra_properties: Mapping[str, str]
    listeners: Mapping[str, str]
    scram_users: tuple[str, ...]
    ca_path: Path
    client_cert_path: Path
    username: str = USERNAME
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class SecureCluster:
    """A broker with the listeners SSL (client certificate required), SASL_SSL and SASL_PLAINTEXT.

    The SASL listeners take PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER (unsecured tokens).
    """

    cluster: Cluster
    ca_path: Path
    client_cert_path: Path
    username: str = field(default=USERNAME)
    password: str = field(default=PASSWORD)

    def listener(self, name: str) -> str:
        """`host:port` of a secure listener."""
        return self.cluster.listener(name)


@pytest.fixture(scope="session")
def secure_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureCluster]:
    """A broker with TLS and SASL, its certificate made for 127.0.0.1 by an authority of this run."""
    settings = secure_properties(tmp_path_factory.mktemp("tls"))
    with temporary(
        how="process",
        extra_properties=settings.extra_properties,
        listeners=settings.listeners,
        scram_users=settings.scram_users,
    ) as cluster:
        yield SecureCluster(cluster, settings.ca_path, settings.client_cert_path)


def secure_properties(folder: Path, *, username: str = USERNAME, password: str = PASSWORD) -> SecureSettings:
    """Makes certificates in `folder`, and properties for three secure listeners on them."""
    authority = trustme.CA()
    ca_path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_path))
    client_cert_path = folder / "client.pem"
    authority.issue_cert("client@tierbus.test").private_key_and_cert_chain_pem.write_to_path(str(client_cert_path))
    server = authority.issue_cert("127.0.0.1", "localhost")
    properties = {
        # The material itself, not its path: PEM by value needs no password and no file that must stay.
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": b"".join(blob.bytes() for blob in server.cert_chain_pems).decode(),
        "ssl.keystore.key": pkcs8(server.private_key_pem.bytes()),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": authority.cert_pem.bytes().decode(),
        "listener.name.ssl.ssl.client.auth": "required",
    }
    modules = "org.apache.kafka.common.security"
    mechanisms = {
        "plain": f'{modules}.plain.PlainLoginModule required user_{username}="{password}";',
        "scram-sha-256": f"{modules}.scram.ScramLoginModule required;",
        "scram-sha-512": f"{modules}.scram.ScramLoginModule required;",
        "oauthbearer": (
            f'{modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
        ),
    }
    for listener in ("sasl_ssl", "sasl_plaintext"):
        properties[f"listener.name.{listener}.sasl.enabled.mechanisms"] = ",".join(mechanisms).upper()
        for mechanism, jaas in mechanisms.items():
            properties[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = jaas
    credentials = f"[name={username},password={password}]"
    return SecureSettings(
        extra_properties=properties,
        listeners={name: name for name in ("SSL", "SASL_SSL", "SASL_PLAINTEXT")},
        scram_users=(f"SCRAM-SHA-256={credentials}", f"SCRAM-SHA-512={credentials}"),
        ca_path=ca_path,
        client_cert_path=client_cert_path,
        username=username,
        password=password,
    )


def pkcs8(key: bytes) -> str:
    """A private key in the only PEM form that Kafka reads."""
    from cryptography.hazmat.primitives import serialization

    return (
        serialization.load_pem_private_key(key, password=None)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )

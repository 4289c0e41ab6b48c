"""Settings of security that leave a door open, exclude each other or would have no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from bus.settings.settings import Settings

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def kafka_problems(settings: Settings) -> list[str]:
    """Of the connection to Kafka."""
    problems = []
    sasl = settings.security_protocol.startswith("SASL_")
    if settings.security_protocol == "SASL_PLAINTEXT" and not settings.allow_sasl_plaintext:
        problems.append(
            "security_protocol SASL_PLAINTEXT sends the password unencrypted: use SASL_SSL, or set "
            "allow_sasl_plaintext too if that is truly wanted"
        )
    if sasl and settings.sasl_mechanism is None:
        problems.append(f"security_protocol {settings.security_protocol} needs sasl_mechanism")
    if not sasl and settings.sasl_mechanism is not None:
        problems.append(
            f"sasl_mechanism {settings.sasl_mechanism} has no effect with security_protocol "
            f"{settings.security_protocol}: use SASL_SSL"
        )
    if settings.sasl_mechanism is None:
        if not sasl and any((settings.sasl_username, settings.sasl_password, settings.sasl_oauth_token)):
            problems.append("a SASL login is given but sasl_mechanism is not: it would not be used")
    elif settings.sasl_mechanism == "OAUTHBEARER":
        if (settings.sasl_oauth_token is None) == (settings.sasl_oauth_token_provider is None):
            problems.append("OAUTHBEARER needs one of sasl_oauth_token and sasl_oauth_token_provider")
    elif settings.sasl_username is None or settings.sasl_password is None:
        problems.append(f"sasl_mechanism {settings.sasl_mechanism} needs sasl_username and sasl_password")
    if not settings.security_protocol.endswith("SSL"):
        given = [
            n for n in ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password") if getattr(settings, n) is not None
        ]
        if given:
            problems.append(
                f"{', '.join(given)} has no effect with security_protocol {settings.security_protocol}: "
                "use SSL or SASL_SSL"
            )
    if settings.ssl_keyfile is not None and settings.ssl_certfile is None:
        problems.append("ssl_keyfile needs ssl_certfile")
    return problems


def registry_problems(settings: Settings) -> list[str]:
    """Of the schema registry: what it says decides how bytes become data, so it is to be trusted as Kafka is."""
    url, name = settings.schema_registry_url, "schema_registry_url"
    login = [settings.schema_registry_username, settings.schema_registry_password]
    if url is None:
        given = [
            each for each in ("username", "password", "token", "cafile") if getattr(settings, f"schema_registry_{each}")
        ]
        problems = [f"schema_registry_{each} has no effect without {name}" for each in given]
        if settings.wire_format in ("confluent", "confluent_guid"):
            problems.append(f"wire_format {settings.wire_format} needs {name}")
        return problems
    problems = [problem for each in url.split(",") for problem in _url_problems(each.strip(), settings)]
    if (login[0] is None) != (login[1] is None):
        problems.append("schema_registry_username and schema_registry_password go together")
    problems += _login_problems(settings)
    if settings.schema_registry_cafile is not None and not any(
        each.strip().startswith("https") for each in url.split(",")
    ):
        problems.append("schema_registry_cafile has no effect without https in schema_registry_url")
    if settings.schema_registry_token is not None and any(login):
        problems.append("give either schema_registry_token or a username with its password, not both")
    return problems


def _login_problems(settings: Settings) -> list[str]:
    problems = []
    for name in ("username", "password", "token"):
        value = getattr(settings, f"schema_registry_{name}")
        text = value if isinstance(value, str | None) else value.get_secret_value()
        if text is not None and (not text or not text.isprintable()):
            problems.append(f"schema_registry_{name} is empty or has a line end or other control character in it")
    return problems


def _url_problems(url: str, settings: Settings) -> list[str]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        # Not repeated: it may hold a password.
        return ["schema_registry_url is no address such as https://registry.example:8081"]
    if parts.username is not None or parts.password is not None:
        return ["schema_registry_url holds a login: give it by schema_registry_username and schema_registry_password"]
    if parts.scheme == "http" and host not in _LOOPBACK and not settings.allow_schema_registry_plaintext:
        return [
            f"schema_registry_url http://{host} is unencrypted: use https, or set allow_schema_registry_plaintext too "
            "if that is truly wanted"
        ]
    return []

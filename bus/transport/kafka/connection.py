"""From settings to a connection: TLS, SASL, and why a cluster could not be reached."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from bus.errors import BusConnectionError, SettingsError
from bus.settings import Settings, TokenProvider


class _Token(AbstractTokenProvider):
    def __init__(self, provider: TokenProvider) -> None:
        self._provider = provider

    async def token(self) -> str:
        try:
            return await self._provider()
        except Exception as error:
            # Any other error than Kafka's own would end aiokafka's background tasks for good.
            reason = f"sasl_oauth_token_provider raised {type(error).__name__}: {error}"
            raise AuthenticationFailedError(reason) from error


def connection_options(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client of this bus is made with.

    Raises:
        SettingsError: A certificate or key file cannot be read.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": settings.client_id,
        "request_timeout_ms": settings.request_timeout_ms,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.sasl_mechanism is not None:
        options["sasl_mechanism"] = settings.sasl_mechanism
        if settings.sasl_mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = _Token(_token_provider(settings))
        else:
            options["sasl_plain_username"] = settings.sasl_username
            password = settings.sasl_password
            options["sasl_plain_password"] = None if password is None else password.get_secret_value()
    return options


def _token_provider(settings: Settings) -> TokenProvider:
    if settings.sasl_oauth_token_provider is not None:
        return settings.sasl_oauth_token_provider
    token = settings.sasl_oauth_token

    async def fixed() -> str:
        return token.get_secret_value() if token is not None else ""

    return fixed


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ssl_cafile)
        context.check_hostname = settings.ssl_check_hostname
        if settings.ssl_certfile is not None:
            password = settings.ssl_password.get_secret_value() if settings.ssl_password is not None else None
            # With no password given, OpenSSL would ask for one on the terminal and wait for ever.
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, password or (lambda: ""))
    except (OSError, ssl.SSLError) as error:
        names = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")
        files = ", ".join(f"{name} {getattr(settings, name)}" for name in names)
        raise SettingsError(f"TLS files cannot be loaded ({files}): {error}") from error
    return context


async def why_unreachable(settings: Settings, options: dict[str, Any]) -> BusConnectionError:
    """Tries the first server once more, by hand, for the reason that aiokafka only logs."""
    servers = settings.bootstrap_servers
    host, _, port = servers.split(",")[0].strip().rpartition(":")
    connection = {k: v for k, v in options.items() if k not in ("bootstrap_servers", "request_timeout_ms")}
    try:
        async with asyncio.timeout(2):
            connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=2_000, **connection)
            connection.close()
    except (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError) as error:
        return _login_refused(settings, str(error))
    except ssl.SSLError as error:
        return BusConnectionError(
            f"Kafka at {servers} cannot be trusted or speaks no TLS: {error}; check security_protocol and ssl_cafile"
        )
    except ConnectionRefusedError:
        return BusConnectionError(
            f"nothing listens at {servers}; start a broker with `tierbus up` or set TIERBUS_BOOTSTRAP_SERVERS"
        )
    except (OSError, KafkaError, TimeoutError, ValueError) as error:
        reason = str(error) or type(error).__name__
        if (
            isinstance(error, KafkaConnectionError)
            and settings.security_protocol == "SSL"
            and not settings.ssl_certfile
        ):
            # In TLS 1.3 a server refuses a missing certificate after the handshake, by hanging up.
            reason += " (it may want a client certificate: ssl_certfile)"
        return BusConnectionError(
            f"Kafka at {servers} is not reachable over {settings.security_protocol}: {reason}; check "
            "bootstrap_servers and security_protocol"
        )
    if settings.sasl_mechanism == "OAUTHBEARER":
        # aiokafka 0.14 takes any answer to a token for a welcome; the next request is then refused.
        return _login_refused(settings, "the token is not accepted")
    return BusConnectionError(f"Kafka at {servers} did not answer within {settings.connect_timeout_ms} ms; try again")


def _login_refused(settings: Settings, reason: str) -> BusConnectionError:
    who, check = f"user {settings.sasl_username}", "sasl_username and sasl_password"
    if settings.sasl_mechanism == "OAUTHBEARER":
        who, check = "a token", "sasl_oauth_token or its provider"
    return BusConnectionError(
        f"Kafka at {settings.bootstrap_servers} refuses the login ({settings.sasl_mechanism}, {who}): {reason}; "
        f"check sasl_mechanism, {check}"
    )

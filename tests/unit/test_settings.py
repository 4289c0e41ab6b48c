"""Settings: presets, the environment, impossible combinations, and secrets that stay secret."""

from __future__ import annotations

import os
import traceback
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bus.errors import SettingsError
from bus.message import TIERS, MessagePriority
from bus.settings import DEFAULT_ROUTES, DEFAULT_TIERS, RouteRule, Settings, TierProfile

CRITICAL, HIGH, NORMAL, LOW = MessagePriority


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("TIERBUS_"):
            monkeypatch.delenv(name)


def refusal(**values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(**values)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


# What is there


def test_defaults_need_nothing() -> None:
    settings = Settings()
    assert (settings.bootstrap_servers, settings.namespace, settings.environment) == (
        "127.0.0.1:9092",
        "bus",
        "development",
    )
    assert settings.routes == DEFAULT_ROUTES
    assert settings.tiers == DEFAULT_TIERS
    assert tuple(settings.tiers) == TIERS


def test_settings_cannot_be_changed() -> None:
    settings: Any = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.namespace = "other"
    with pytest.raises(ValidationError, match="frozen"):
        settings.tiers[LOW].linger_ms = 1


def test_a_tier_is_laid_over_its_defaults() -> None:
    settings = Settings(tiers={"low": {"linger_ms": 50}, HIGH: {"fetch_max_wait_ms": 7}, "NORMAL": TierProfile()})
    assert settings.tiers[LOW] == DEFAULT_TIERS[LOW].model_copy(update={"linger_ms": 50})
    assert settings.tiers[HIGH] == DEFAULT_TIERS[HIGH].model_copy(update={"fetch_max_wait_ms": 7})
    assert settings.tiers[NORMAL] == TierProfile()
    assert settings.tiers[CRITICAL] == DEFAULT_TIERS[CRITICAL]


@pytest.mark.parametrize("priority", [LOW, "LOW", "low", 3, "3"])
def test_priorities_by_name(priority: Any) -> None:
    settings = Settings(default_priority=priority, routes=[{"pattern": "a", "priority": priority}])
    assert settings.default_priority is LOW
    assert settings.routes == (RouteRule(pattern="a", priority=LOW),)


# Presets


def test_development() -> None:
    settings = Settings.development()
    assert (settings.environment, settings.buffer_wait_ms) == ("development", 2_000)


def test_production() -> None:
    settings = Settings.production()
    assert (settings.environment, settings.replication_factor) == ("production", 3)


def test_low_latency() -> None:
    for profile in Settings.low_latency().tiers.values():
        assert (profile.linger_ms, profile.compression_type, profile.fetch_max_wait_ms) == (0, None, 50)


def test_throughput() -> None:
    settings = Settings.throughput()
    assert settings.tiers[CRITICAL] == DEFAULT_TIERS[CRITICAL]
    for tier in (HIGH, NORMAL, LOW):
        profile = settings.tiers[tier]
        assert (profile.linger_ms, profile.batch_size_bytes, profile.compression_type) == (20, 262_144, "lz4")
    assert settings.buffer_memory_bytes > Settings().buffer_memory_bytes
    assert settings.buffer_messages_max > Settings().buffer_messages_max


@pytest.mark.parametrize("preset", ["development", "production", "low_latency", "throughput"])
def test_what_is_given_wins_over_a_preset(preset: str) -> None:
    make = getattr(Settings, preset)
    given = {"environment": "production", "buffer_wait_ms": 1, "replication_factor": 2, "namespace": "mine"}
    settings = make(**given, buffer_memory_bytes=2_000_000, buffer_messages_max=5, tiers={"low": {"linger_ms": 3}})
    assert {name: getattr(settings, name) for name in given} == given
    assert (settings.buffer_memory_bytes, settings.buffer_messages_max) == (2_000_000, 5)
    assert settings.tiers[LOW].linger_ms == 3


def test_a_preset_refuses_what_settings_refuse() -> None:
    with pytest.raises(SettingsError, match="namspace: is no setting"):
        Settings.production(namspace="x")


# The environment


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_NAMESPACE", "from-env")
    monkeypatch.setenv("tierbus_buffer_wait_ms", "17")
    monkeypatch.setenv("TIERBUS_DEFAULT_PRIORITY", "critical")
    monkeypatch.setenv("TIERBUS_SASL_PASSWORD", "hunter2")
    settings = Settings(sasl_username="u", security_protocol="SASL_SSL", sasl_mechanism="PLAIN")
    assert (settings.namespace, settings.buffer_wait_ms, settings.default_priority) == ("from-env", 17, CRITICAL)
    assert settings.sasl_password == SecretStr("hunter2")


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_NAMESPACE", "from-env")
    assert Settings(namespace="given").namespace == "given"


def test_nested_values_come_by_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_TIERS__LOW__LINGER_MS", "50")
    monkeypatch.setenv("TIERBUS_TIERS__HIGH__COMPRESSION_TYPE", "zstd")
    settings = Settings()
    assert settings.tiers[LOW] == DEFAULT_TIERS[LOW].model_copy(update={"linger_ms": 50})
    assert settings.tiers[HIGH] == DEFAULT_TIERS[HIGH].model_copy(update={"compression_type": "zstd"})


def test_nested_values_come_as_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_TIERS", '{"LOW": {"linger_ms": 51}}')
    monkeypatch.setenv("TIERBUS_ROUTES", '[{"pattern": "x.**", "priority": "high"}]')
    settings = Settings()
    assert settings.tiers[LOW] == DEFAULT_TIERS[LOW].model_copy(update={"linger_ms": 51})
    assert settings.routes == (RouteRule(pattern="x.**", priority=HIGH),)


def test_variables_that_are_no_settings_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_NAMSPACE", "hunter2")
    monkeypatch.setenv("TIERBUS_TEIRS__LOW__LINGER_MS", "1")
    message = refusal()
    assert "environment variable TIERBUS_NAMSPACE is no setting" in message
    assert "environment variable TIERBUS_TEIRS__LOW__LINGER_MS is no setting" in message
    assert "hunter2" not in message


def test_nested_variables_that_are_no_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_TIERS__LOW__LINGR_MS", "1")
    assert "lingr_ms: is no setting" in refusal()


def test_an_unknown_tier_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_TIERS__URGENT__LINGER_MS", "1")
    assert "priority 'urgent' is unknown; use one of CRITICAL, HIGH, NORMAL, LOW" in refusal()


@pytest.mark.parametrize("name", ["STATE_DIR", "CACHE_DIR", "KAFKA_IMAGE", "TEST_BROKER", "REQUIRE_DOCKER"])
def test_variables_of_the_tools_are_not_settings(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"TIERBUS_{name}", "x")
    assert Settings() == Settings()


# What is refused


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"namspace": "x"}, "namspace: is no setting"),
        ({"namespace": "a.b"}, "namespace: "),
        ({"namespace": ""}, "namespace: "),
        ({"namespace": "n" * 65}, "namespace: "),
        ({"client_id": "a b"}, "client_id: "),
        ({"environment": "staging"}, "environment: "),
        ({"security_protocol": "TLS"}, "security_protocol: "),
        ({"default_priority": "urgent"}, "default_priority: priority 'urgent' is unknown; use one of CRITICAL"),
        ({"default_priority": 4}, "default_priority: "),
        ({"default_partitions": 0}, "default_partitions: "),
        ({"discovery_interval_ms": 99}, "discovery_interval_ms: "),
        ({"buffer_messages_max": 0}, "buffer_messages_max: "),
        ({"buffer_wait_ms": -1}, "buffer_wait_ms: "),
        ({"buffer_wait_ms": "soon"}, "buffer_wait_ms: "),
        ({"drain_timeout_s": float("nan")}, "drain_timeout_s: "),
        ({"session_timeout_ms": 5_999}, "session_timeout_ms: "),
        ({"tiers": {"low": {"linger_ms": -1}}}, "linger_ms: "),
        ({"tiers": {"low": {"nope": 1}}}, "nope: is no setting"),
        ({"tiers": {"urgent": {}}}, "tiers: priority 'urgent' is unknown"),
        ({"tiers": {9: {}}}, "tiers.9"),
        ({"tiers": {"low": 5}}, "tiers."),
        ({"tiers": []}, "tiers: "),
        ({"routes": [{"pattern": "a", "priority": "urgent"}]}, "routes.0.priority: priority 'urgent' is unknown"),
        ({"routes": [{"pattern": "a"}, {"pattern": "a", "family_depth": 0}]}, "routes.1.family_depth: "),
        ({"routes": [{"patern": "a"}]}, "routes.0.patern: is no setting"),
    ],
)
def test_wrong_values_are_refused_by_name(values: dict[str, Any], says: str) -> None:
    message = refusal(**values)
    assert message.startswith("settings refused (")
    assert says in message


SASL = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "u", "sasl_password": "p"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"security_protocol": "SASL_PLAINTEXT", **SASL}, "sends the password unencrypted: use SASL_SSL, or set"),
        ({"security_protocol": "SASL_SSL"}, "security_protocol SASL_SSL needs sasl_mechanism"),
        (SASL, "SCRAM-SHA-512 has no effect with security_protocol PLAINTEXT: use SASL_SSL"),
        ({"security_protocol": "SSL", **SASL}, "SCRAM-SHA-512 has no effect with security_protocol SSL"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "u"},
            "sasl_mechanism PLAIN needs sasl_username and sasl_password",
        ),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_password": "p"},
            "sasl_mechanism PLAIN needs sasl_username and sasl_password",
        ),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"},
            "OAUTHBEARER needs one of sasl_oauth_token and sasl_oauth_token_provider",
        ),
        ({"ssl_cafile": "ca.pem"}, "ssl_cafile has no effect with security_protocol PLAINTEXT: use SSL or SASL_SSL"),
        (
            {"ssl_certfile": "c", "ssl_keyfile": "k", "security_protocol": "PLAINTEXT"},
            "ssl_certfile, ssl_keyfile has no effect with security_protocol PLAINTEXT",
        ),
        ({"security_protocol": "SSL", "ssl_keyfile": "k"}, "ssl_keyfile needs ssl_certfile"),
        (
            {"max_request_size_bytes": 2_000_000, "buffer_memory_bytes": 1_000_000},
            "max_request_size_bytes 2000000 does not fit buffer_memory_bytes 1000000",
        ),
        (
            {"tiers": {"high": {"batch_size_bytes": 2_000_000}}},
            "tiers.high.batch_size_bytes 2000000 is over max_request_size_bytes 1048576",
        ),
        (
            {"heartbeat_interval_ms": 2_001, "session_timeout_ms": 6_000},
            "heartbeat_interval_ms 2001 must be at most a third of session_timeout_ms 6000",
        ),
        (
            {"request_timeout_ms": 5_000, "delivery_timeout_ms": 4_999},
            "request_timeout_ms 5000 is over delivery_timeout_ms 4999",
        ),
    ],
)
def test_impossible_combinations_are_refused(values: dict[str, Any], says: str) -> None:
    message = refusal(**values)
    assert message.startswith("settings refused (1): ")
    assert says in message
    assert "; ;" not in message


async def _token() -> str:
    return "t"


@pytest.mark.parametrize(
    "values",
    [
        {"security_protocol": "SSL"},
        {"security_protocol": "SSL", "ssl_cafile": "ca", "ssl_certfile": "c", "ssl_keyfile": "k", "ssl_password": "p"},
        {"security_protocol": "SSL", "ssl_certfile": "both.pem"},
        {"security_protocol": "SASL_SSL", **SASL},
        {"security_protocol": "SASL_SSL", "ssl_cafile": "ca", **SASL},
        {"security_protocol": "SASL_PLAINTEXT", "allow_sasl_plaintext": True, **SASL},
        {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token": "t"},
        {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": _token},
        {"max_request_size_bytes": 1_000_000, "buffer_memory_bytes": 1_000_000},
        {"tiers": {"high": {"batch_size_bytes": 1_048_576}}},
        {"heartbeat_interval_ms": 2_000, "session_timeout_ms": 6_000},
        {"request_timeout_ms": 5_000, "delivery_timeout_ms": 5_000},
    ],
)
def test_possible_combinations_are_taken(values: dict[str, Any]) -> None:
    settings = Settings(**values)
    assert settings.security_protocol == values.get("security_protocol", "PLAINTEXT")


def test_both_oauth_sources_are_refused() -> None:
    message = refusal(
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token="hunter2",
        sasl_oauth_token_provider=_token,
    )
    assert "OAUTHBEARER needs one of sasl_oauth_token and sasl_oauth_token_provider" in message
    assert "hunter2" not in message


def test_all_wrong_values_are_in_one_message() -> None:
    message = refusal(namespace="a b", request_timeout_ms=1, tiers={"low": {"linger_ms": -1}}, nope=1)
    assert message.startswith("settings refused (4): ")
    for name in ("namespace: ", "request_timeout_ms: ", "linger_ms: ", "nope: is no setting"):
        assert name in message


def test_all_impossible_combinations_are_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_NAMSPACE", "x")
    message = refusal(
        security_protocol="SASL_PLAINTEXT",
        ssl_keyfile="k",
        max_request_size_bytes=2_000_000,
        buffer_memory_bytes=1_000_000,
        heartbeat_interval_ms=9_000,
        session_timeout_ms=10_000,
        request_timeout_ms=10_000,
        delivery_timeout_ms=5_000,
        tiers={"low": {"batch_size_bytes": 3_000_000}},
    )
    for part in (
        "sends the password unencrypted",
        "needs sasl_mechanism",
        "ssl_keyfile has no effect",
        "ssl_keyfile needs ssl_certfile",
        "does not fit buffer_memory_bytes",
        "tiers.low.batch_size_bytes 3000000 is over",
        "must be at most a third",
        "is over delivery_timeout_ms",
        "TIERBUS_NAMSPACE is no setting",
    ):
        assert part in message


# Secrets

SECRETS = ("ssl_password", "sasl_password", "sasl_oauth_token")


def test_secrets_are_not_shown() -> None:
    settings = Settings(security_protocol="SASL_SSL", **(SASL | {"sasl_password": "hunter2"}), ssl_password="hunter3")
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hunter" not in shown
    assert settings.sasl_password is not None
    assert settings.sasl_password.get_secret_value() == "hunter2"


def test_a_token_provider_is_not_shown() -> None:
    settings = Settings(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", sasl_oauth_token_provider=_token)
    assert "_token" not in repr(settings).replace("sasl_oauth_token", "").replace("schema_registry_token", "")
    assert "sasl_oauth_token_provider" not in settings.model_dump()


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("wrap", [lambda secret: secret, lambda secret: [secret], lambda secret: {"x": secret}])
def test_secrets_are_not_in_refusals(name: str, wrap: Any) -> None:
    secret = "".join(["hun", "ter", "2"])  # not in one piece in the source, which a traceback shows
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: wrap(secret), "security_protocol": "SASL_SSL", "namespace": "a b"})
    told = "".join(traceback.format_exception(caught.value))
    assert secret not in told + repr(caught.value) + str(caught.value)


def test_a_secret_under_a_wrong_name_is_not_in_the_refusal() -> None:
    assert "hunter2" not in refusal(sasl_passwrod="hunter2")


def test_secrets_of_the_environment_are_not_in_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBUS_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("TIERBUS_SASL_MECHANISM", "NOPE")
    monkeypatch.setenv("TIERBUS_SASL_OAUTH_TOKEN_PROVIDER", "hunter2")
    message = refusal()
    assert "sasl_mechanism: " in message
    assert "hunter2" not in message

"""The configuration as types: one class for each table of the file, and what they must agree on."""

import base64
import re
from collections.abc import Collection, Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from crypitor.config.chain import ChainRules, level_problem
from crypitor.config.doors import ApiConfig, MetricsConfig, ServerConfig, door_contradictions
from crypitor.config.hosts import hosts_of
from crypitor.config.section import PerSecond, Seconds, Section, one_or_many
from crypitor.config.telemetry import TelemetryConfig
from crypitor.errors import ConfigError
from crypitor.evm.profiles import Level, Profile, profile_of
from crypitor.runtime.redaction import shown

PREFIX = "CRYPITOR__"
SECRET_KEY_BYTES = 32


class Role(StrEnum):
    """A part of the service that may run in a process of its own."""

    API = "api"
    WORKER = "worker"
    MONITOR = "monitor"
    WEBHOOK = "webhook"


ROLES = tuple(Role)


def _number_or_word(*words: str, least: int) -> BeforeValidator:
    """Accept a whole number or one of the words, with one sentence when it is neither."""

    def check(value: object) -> object:
        if value in words:
            return value
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if isinstance(number, int) and not isinstance(number, bool) and number >= least:
            return number
        choice = " or ".join(f'"{word}"' for word in words)
        raise ValueError(f"a whole number of at least {least}, or {choice}")

    return BeforeValidator(check)


HostAndPort = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")]

TopicPattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,248}[A-Za-z0-9._*-]$")]
"""The name of a Kafka topic, or its beginning and a `*`."""

Days = Annotated[int | Literal["forever"], _number_or_word("forever", least=1)]


class DatabaseConfig(Section):
    """Where everything is kept. url: may hold a password."""

    url: SecretStr = SecretStr("sqlite:///data/crypitor.db")
    migrate: bool = True
    copy_before_migrating: bool = True
    connections: int = Field(default=5, ge=1, le=100)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.get_secret_value().startswith("sqlite")

    @field_validator("url")
    @classmethod
    def _check_url(cls, secret: SecretStr) -> SecretStr:
        url = secret.get_secret_value()
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            if parts.netloc or len(parts.path) < len("/x") or parts.query or ":memory:" in url:
                raise ValueError("write sqlite:///relative/path.db or sqlite:////absolute/path.db")
        elif parts.scheme not in {"postgresql", "postgres"}:
            raise ValueError("write sqlite:///path.db or postgresql://user:password@host/name")
        elif len(parts.path) < len("/x"):
            raise ValueError("the name of the database is missing: postgresql://user@host/NAME")
        else:
            list(hosts_of(url, 5432))
        return secret


class QueueConfig(Section):
    """What carries blocks from worker to monitor; the brokers also take matches.

    ssl_ca, ssl_certificate, ssl_key: PEM files.
    """

    kind: Literal["memory", "kafka"] = "memory"
    bootstrap_servers: Annotated[tuple[HostAndPort, ...], BeforeValidator(one_or_many)] = Field(
        default=("localhost:9092",), min_length=1
    )
    topic_prefix: str = Field(default="crypitor", pattern=r"^[A-Za-z0-9._-]{1,200}$")
    partitions: int = Field(default=16, ge=1, le=10_000)
    replicas: int = Field(default=3, ge=1, le=100)
    retention_hours: Annotated[float, Field(gt=0, le=87_600, allow_inf_nan=False)] = 72
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str = ""
    password: SecretStr = SecretStr("")
    ssl_ca: str = ""
    ssl_certificate: str = ""
    ssl_key: str = ""

    @property
    def blocks_topic(self) -> str:
        """The topic that carries the blocks."""
        return f"{self.topic_prefix}.blocks"


class NetworkConfig(Section, ChainRules):
    """One chain that is followed. Without presets only chain_id and rpc are needed.

    rpc: http(s) and ws(s) URLs, which may hold keys.
    """

    chain_id: int = Field(ge=1)
    rpc: Annotated[tuple[str, ...], BeforeValidator(one_or_many)] = Field(default=(), repr=False)
    confirmations: Annotated[
        int | Literal["safe", "finalized"], _number_or_word("safe", "finalized", least=1)
    ] = 12
    start: Annotated[int | Literal["latest"], _number_or_word("latest", least=0)] = "latest"
    poll_seconds: Seconds = 1.0
    timeout_seconds: Seconds = 10
    window: int = Field(default=16, ge=1, le=256)
    rpc_per_second: PerSecond | None = None
    max_reorg_depth: int = Field(default=64, ge=1, le=10_000)
    verify: Level = "receipts"
    traces: Literal["off", "debug", "trace", "logs"] = "off"
    reset: Literal["follow", "stop"] = "stop"
    title: str = ""
    native_symbol: str = "ETH"
    native_decimals: int = Field(default=18, ge=0, le=255)
    explorer: str = Field(default="", pattern=r"^(https?://.*[^/])?$")

    @property
    def profile(self) -> Profile:
        """How the chain's blocks prove themselves."""
        return self.over(profile_of(self.chain_id))

    @field_validator("rpc")
    @classmethod
    def _check_rpc(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
                raise ValueError(f"{shown(url)} is not an http(s):// or ws(s):// URL")
        if len(set(urls)) < len(urls):
            raise ValueError("the same URL stands there twice")
        return urls


class BackfillConfig(Section):
    """How fast past blocks are read. Both are limits for the nodes of one network."""

    in_flight: int = Field(default=8, ge=1, le=256)
    requests_per_second: PerSecond = 50.0


_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


def _port_range(given: int | str) -> tuple[int, int]:
    form = _PORTS.fullmatch(str(given))
    if form is None:
        raise ValueError('write ports and ranges of them, as in [443, "8000-8999"]')
    found = int(form[1]), int(form[2] or form[1])
    if not 1 <= found[0] <= found[1] <= 65535:
        raise ValueError(f"{given} is no port from 1 to 65535, nor a range of them")
    return found


def _secret_key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value().strip()
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        raise ValueError(
            f"a key is base64 of {SECRET_KEY_BYTES} bytes; make one with: openssl rand -base64 32"
        )
    return key


class WebhookConfig(Section):
    """How deliveries are sent. schedule_seconds: the waits after each failed attempt.

    secrets_key: seals the endpoints' secrets in the database; the newest, then those before it.
    proxy: an http:// URL, which may hold user and password. ca: a PEM file. ports: that may be
    called, and ranges of them as "8000-8999"; none for all but those of well-known other protocols.
    """

    secrets_key: Annotated[tuple[SecretStr, ...], BeforeValidator(one_or_many)] = ()
    proxy: SecretStr | None = None
    ca: str = ""
    allow_private: tuple[str, ...] = ()
    ports: Annotated[tuple[int | str, ...], BeforeValidator(one_or_many)] = ()
    schedule_seconds: tuple[Annotated[float, Field(ge=0)], ...] = (
        5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    )  # fmt: skip
    timeout_seconds: Seconds = 15
    lease_seconds: Seconds = 60
    in_flight: int = Field(default=200, ge=1)
    in_flight_per_endpoint: int = Field(default=10, ge=1)
    replay_per_second: Annotated[PerSecond, Field(le=10_000)] = 50.0
    kafka_topics: Annotated[tuple[TopicPattern, ...], BeforeValidator(one_or_many)] = ()

    @property
    def port_ranges(self) -> tuple[tuple[int, int], ...]:
        """The first and the last port of each of `ports`."""
        return tuple(map(_port_range, self.ports))

    @field_validator("ports")
    @classmethod
    def _check_ports(cls, ports: tuple[int | str, ...]) -> tuple[int | str, ...]:
        for each in ports:
            _port_range(each)
        return ports

    @property
    def seal_keys(self) -> tuple[bytes, ...]:
        """The bytes of `secrets_key`."""
        return tuple(map(_secret_key, self.secrets_key))

    @field_validator("secrets_key")
    @classmethod
    def _check_secrets_key(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            _secret_key(secret)
        return secrets

    @field_validator("proxy")
    @classmethod
    def _check_proxy(cls, secret: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(secret.get_secret_value()) if secret else None
        if parts and (parts.scheme != "http" or not parts.hostname or parts.path.strip("/")):
            raise ValueError("write http://host:port or http://user:password@host:port")
        return secret

    @field_validator("allow_private")
    @classmethod
    def _check_allow_private(cls, cidrs: tuple[str, ...]) -> tuple[str, ...]:
        for cidr in cidrs:
            try:
                ip_network(cidr)
            except ValueError as wrong:
                raise ValueError(f"not an address range: {wrong}") from wrong
        return cidrs


class RetentionConfig(Section):
    """For how long things are kept. max_database_mb: of a SQLite file's pages in use."""

    attempts_days: Days = 30
    bodies_days: Days = 30
    deliveries_days: Days = 90
    matches_days: Days = 365
    audit_days: Days = 365
    max_database_mb: int | None = Field(default=None, ge=1)


class LimitsConfig(Section):
    """What each project may have and do that has no limits of its own; None for no limit."""

    monitors: Annotated[int, Field(ge=0)] | None = None
    rules_cost: Annotated[int, Field(ge=0)] | None = None
    addresses: Annotated[int, Field(ge=0)] | None = None
    endpoints: Annotated[int, Field(ge=0)] | None = None
    deliveries_per_day: Annotated[int, Field(ge=0)] | None = None
    requests_per_second: PerSecond | None = None
    backfill_blocks_per_day: Annotated[int, Field(ge=0)] | None = None


class BackupConfig(Section):
    """Copies of a SQLite database. hours: between two, None for none; keep: the newest of them.

    folder: where they are; empty for `backups` beside the database.
    """

    hours: Annotated[float, Field(gt=0, le=8784, allow_inf_nan=False)] | None = None
    keep: int = Field(default=7, ge=1, le=10_000)
    folder: str = ""


class LogConfig(Section):
    """What is logged, and as what."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Config(Section):
    """All of it. folder: from which its relative paths count; the current one, or absolute."""

    folder: Path = Path()

    server: ServerConfig = ServerConfig()
    api: ApiConfig = ApiConfig()
    metrics: MetricsConfig = MetricsConfig()
    database: DatabaseConfig = DatabaseConfig()
    queue: QueueConfig = QueueConfig()
    networks: dict[str, NetworkConfig] = Field(default_factory=dict)
    backfill: BackfillConfig = BackfillConfig()
    webhook: WebhookConfig = WebhookConfig()
    retention: RetentionConfig = RetentionConfig()
    limits: LimitsConfig = LimitsConfig()
    backup: BackupConfig = BackupConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    log: LogConfig = LogConfig()

    @property
    def followed(self) -> dict[str, NetworkConfig]:
        """The networks that have a node."""
        return {name: network for name, network in self.networks.items() if network.rpc}


def check_roles(config: Config, roles: Collection[str]) -> None:
    """Raise ConfigError if a process with these roles could not do its work."""
    mistakes = []
    together = {Role.WORKER, Role.MONITOR}
    if config.queue.kind == "memory" and together & set(roles) and not together <= set(roles):
        mistakes.append(
            'queue.kind: "memory" carries blocks within one process: run worker and monitor'
            ' together, or use "kafka"'
        )
    if together & set(roles) and not config.followed:
        mistakes.append(
            "networks: no network has a node. Put your node's URL into config.toml, as in"
            f' rpc = ["https://…"] under [networks.ethereum], or set'
            f" {PREFIX}NETWORKS__ETHEREUM__RPC. Without a node: crypitor demo"
        )
    if mistakes:
        raise ConfigError("configuration", mistakes)


def contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """Yield key and problem where two keys, each right by itself, exclude each other."""
    yield from door_contradictions(config.server, config.api, config.metrics)
    if config.webhook.lease_seconds <= config.webhook.timeout_seconds:
        yield "webhook.lease_seconds", "has to be longer than webhook.timeout_seconds"
    if config.webhook.in_flight_per_endpoint > config.webhook.in_flight:
        yield "webhook.in_flight_per_endpoint", "has to be at most webhook.in_flight"
    yield from _queue_contradictions(config)
    if config.retention.max_database_mb is not None and not config.database.is_sqlite:
        yield "retention.max_database_mb", "only for SQLite; use the days on PostgreSQL"
    if config.backup.hours is not None and not config.database.is_sqlite:
        yield "backup.hours", "only for SQLite; copy PostgreSQL by its own means (docs/backup.md)"
    for name, network in config.networks.items():
        for key, problem in _network_contradictions(network):
            yield f"networks.{name}.{key}", problem


def _network_contradictions(network: NetworkConfig) -> Iterator[tuple[str, str]]:
    confirmations = network.confirmations
    if isinstance(confirmations, int) and confirmations > network.max_reorg_depth:
        yield "confirmations", "has to be at most max_reorg_depth"
    yield from network.mistakes()
    if impossible := level_problem(network.verify, network.profile):
        yield "verify", impossible


def _queue_contradictions(config: Config) -> Iterator[tuple[str, str]]:
    queue = config.queue
    if queue.security.startswith("SASL") and not (
        queue.username and queue.password.get_secret_value()
    ):
        yield "queue.username", f"{queue.security} needs a username and a password"
    if bool(queue.ssl_certificate) != bool(queue.ssl_key):
        yield "queue.ssl_key", "ssl_certificate and ssl_key belong together"
    if not queue.security.endswith("SSL") and (queue.ssl_ca or queue.ssl_certificate):
        yield "queue.security", "has to be SSL or SASL_SSL where there are ssl_ files"
    if any(fnmatchcase(queue.blocks_topic, allowed) for allowed in config.webhook.kafka_topics):
        yield "webhook.kafka_topics", f"must not allow {queue.blocks_topic}, which carries blocks"

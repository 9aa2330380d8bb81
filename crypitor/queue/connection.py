"""How brokers are reached, and how clients begin and end: what aiokafka does not do by itself.

Every wait is bounded. A client that fails, or takes too long, is ended and made anew by whoever
uses it: nothing is kept that could hang.
"""

import asyncio
import logging
import ssl
import traceback
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerClosed

from crypitor.config import QueueConfig
from crypitor.errors import BrokerUnavailable, ConfigError, Unavailable
from crypitor.runtime.loop import is_being_cancelled

log = structlog.get_logger(__name__)

REQUEST_SECONDS = 10.0
START_SECONDS = 10.0
STOP_SECONDS = 2.0
METADATA_SECONDS = 30.0
"""After so long at most, partitions that were added and brokers that moved are noticed."""

Client = TypeVar("Client", AIOKafkaProducer, AIOKafkaConsumer, AIOKafkaAdminClient)


def _is_no_leftover(record: logging.LogRecord) -> bool:
    """Keep out of the log what a client that was cut off still had to say to nobody."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, KafkaError) and "was never retrieved" in record.getMessage())


# During an outage aiokafka logs every attempt; what it means is said once, as BrokerUnavailable.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
logging.getLogger("asyncio").addFilter(_is_no_leftover)


@dataclass(frozen=True)
class Connection:
    """Where the brokers are, and who we are to them.

    servers: `host:port` of some of them. security: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or
    `SASL_SSL`. ca, certificate, key: PEM files, empty for none.
    """

    servers: Sequence[str]
    security: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    certificate: str = ""
    key: str = ""

    @cached_property
    def options(self) -> dict[str, Any]:
        """What every client of aiokafka is given. Raises ConfigError for files of no use."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "client_id": "crypitor",
            "security_protocol": self.security,
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            "metadata_max_age_ms": int(METADATA_SECONDS * 1000),
        }
        if self.security.startswith("SASL"):
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        if self.security.endswith("SSL"):
            options["ssl_context"] = self._ssl()
        return options

    def _ssl(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except OSError as wrong:
            raise ConfigError("configuration", [f"queue.ssl_ca: {self.ca}: {wrong}"]) from wrong
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except OSError as wrong:
                mistake = f"queue.ssl_certificate: {self.certificate} with {self.key}: {wrong}"
                raise ConfigError("configuration", [mistake]) from wrong
        return context


def connection_of(queue: QueueConfig) -> Connection:
    """Return the connection that is configured."""
    return Connection(
        servers=queue.bootstrap_servers,
        security=queue.security,
        mechanism=queue.sasl_mechanism,
        username=queue.username,
        password=queue.password.get_secret_value(),
        ca=queue.ssl_ca,
        certificate=queue.ssl_certificate,
        key=queue.ssl_key,
    )


def producer_of(connection: Connection, **options: Any) -> AIOKafkaProducer:
    """Return a producer that is not started: what it says is taken is on all replicas in sync."""
    return AIOKafkaProducer(acks="all", enable_idempotence=True, **connection.options, **options)


class ClientFailed(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """A client of aiokafka that failed by a mistake of its own: what it knows is not trusted."""


@contextmanager
def within_client() -> Iterator[None]:
    """Turn what goes wrong within aiokafka, and is none of its errors, into ClientFailed.

    So a client loses track of itself where a process was paused: the time of several requests is
    up at once, and one of them looks for a connection that another one has just given up. To end
    for it would be to lose the process by a mistake that a new client does not have. A
    cancellation that came out of the client, and was not meant for the task, would end its role
    without a word.
    """
    try:
        yield
    except (KafkaError, Unavailable, OSError):
        raise
    except asyncio.CancelledError as stray:
        if is_being_cancelled():
            raise
        raise _failed(stray) from stray
    except Exception as mistake:
        raise _failed(mistake) from mistake


def _failed(mistake: BaseException) -> ClientFailed:
    frame = traceback.extract_tb(mistake.__traceback__)[-1]
    log.warning(
        "the Kafka client made a mistake",
        error=repr(mistake),
        at=f"{Path(frame.filename).name}:{frame.lineno}",
    )
    return ClientFailed(f"the Kafka client failed: {type(mistake).__name__}")


async def started(client: Client, connection: Connection) -> Client:
    """Start a client; one that cannot start is ended. Raises BrokerUnavailable."""
    try:
        async with asyncio.timeout(START_SECONDS):
            try:
                with within_client():
                    await client.start()
            except KafkaConnectionError as error:
                raise BrokerUnavailable(await _what_keeps_us_out(connection)) from error
    except BrokerUnavailable:
        await ended(client)
        raise
    except (KafkaError, OSError, TimeoutError) as error:
        await ended(client)
        raise unavailable(error) from error
    except BaseException:
        await ended(client)
        raise
    return client


async def _what_keeps_us_out(connection: Connection) -> str:
    """Return why the last of the servers cannot be used, which aiokafka tells its log only."""
    options = {
        name: value
        for name, value in connection.options.items()
        if name not in {"bootstrap_servers", "metadata_max_age_ms"}
    }
    reason = ""
    for server in connection.servers:
        host, _, port = server.rpartition(":")
        try:
            (await create_conn(host.strip("[]"), int(port), **options)).close()
        except (KafkaError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
    return f"no broker of {', '.join(connection.servers)} can be used" + (reason and f": {reason}")


async def ended(client: AIOKafkaProducer | AIOKafkaConsumer | AIOKafkaAdminClient) -> None:
    """End a client in good order, or without it, within some seconds."""
    stop = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
    if await _in_time(stop()):
        return
    if isinstance(client, AIOKafkaProducer):
        await _cut_off_producer(client)
    if isinstance(client, AIOKafkaConsumer):
        await _cut_off_consumer(client)


class _Pending(set[Any]):
    """Batches on their way: to take one out that is out already is no mistake."""

    def remove(self, batch: Any) -> None:
        """Take one out, if it is there."""
        self.discard(batch)


async def _cut_off_producer(client: AIOKafkaProducer) -> None:
    """End a producer that waits for a broker, which an idempotent one does for ever.

    Its sender is told twice to end, as its first answer is to wait on; what it has is given up.
    """
    accumulator = client._message_accumulator  # noqa: SLF001 - there is no other way
    # aiokafka takes each out of what is pending as it fails, and again where it is to be repeated.
    pending = _Pending(accumulator._pending_batches)  # noqa: SLF001
    for batches in accumulator._batches.values():  # noqa: SLF001
        pending.update(batches)
    accumulator._pending_batches = pending  # noqa: SLF001
    accumulator.fail_all(ProducerClosed())
    sender = client._sender.sender_task  # noqa: SLF001
    for _ in range(10):
        if sender is not None and not sender.done():
            sender.cancel()
            await asyncio.sleep(0)
    await _in_time(client.client.close())


async def _cut_off_consumer(client: AIOKafkaConsumer) -> None:
    """End what is left of a consumer whose group did not let it go."""
    coordinator, fetcher = client._coordinator, client._fetcher  # noqa: SLF001
    for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task"):
        task = getattr(coordinator, name, None)
        if task is not None:
            task.cancel()
    if fetcher is not None:
        await _in_time(fetcher.close())
    await _in_time(client._client.close())  # noqa: SLF001


async def _in_time(closing: Coroutine[Any, Any, None]) -> bool:
    """Tell whether something ended in good order, in time.

    aiokafka swallows the cancellation that a timeout sends and waits on: nobody waits for that.
    """
    task = asyncio.ensure_future(closing)
    done, _ = await asyncio.wait([task], timeout=STOP_SECONDS)
    if done:
        # Whatever keeps it from ending: it is given up, and cut off.
        with suppress(Exception, asyncio.CancelledError):
            task.result()
            return True
        return False
    task.add_done_callback(lambda late: late.cancelled() or late.exception())
    task.cancel()
    return False


def unavailable(error: Exception) -> BrokerUnavailable:
    """Return what an error of aiokafka means to us."""
    if isinstance(error, TimeoutError):
        return BrokerUnavailable("no broker answered in time")
    return BrokerUnavailable(str(error) or type(error).__name__)

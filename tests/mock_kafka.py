"""A Kafka cluster for tests: librdkafka's mock brokers, the real protocol over TCP.

It is part of the confluent-kafka wheel, keeps nothing on disk and makes topics by itself. Python
has no names for most of it, so the library is called directly (`rdkafka_mock.h`).
"""

import asyncio
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import confluent_kafka
from aiokafka.consumer import group_coordinator

PRODUCER = 0
BROKER = 1


@cache
def librdkafka() -> ctypes.CDLL:
    """The library in the wheel; importing confluent_kafka has loaded it already."""
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    [path] = folder.glob("librdkafka-*.so*")
    library = ctypes.CDLL(str(path))
    library.rd_kafka_conf_new.restype = ctypes.c_void_p
    library.rd_kafka_conf_set.argtypes = [ctypes.c_void_p, *[ctypes.c_char_p] * 3, ctypes.c_size_t]
    library.rd_kafka_new.restype = ctypes.c_void_p
    library.rd_kafka_new.argtypes = [
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int32,
    ]
    library.rd_kafka_mock_broker_set_down.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    library.rd_kafka_mock_broker_set_up.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    library.rd_kafka_mock_cluster_destroy.argtypes = [ctypes.c_void_p]
    library.rd_kafka_destroy.argtypes = [ctypes.c_void_p]
    return library


class MockKafka:
    """One broker.

    servers: for `bootstrap_servers`.
    """

    def __init__(self) -> None:
        library = librdkafka()
        error = ctypes.create_string_buffer(256)
        settings = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(settings, b"log_level", b"2", error, 256)
        self._client = library.rd_kafka_new(PRODUCER, settings, error, 256)
        assert self._client, error.value
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.servers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode().split(",")

    def down(self) -> None:
        """End all connections and refuse new ones."""
        librdkafka().rd_kafka_mock_broker_set_down(self._cluster, BROKER)

    def up(self) -> None:
        """Take connections again; what was stored is still there."""
        librdkafka().rd_kafka_mock_broker_set_up(self._cluster, BROKER)

    def destroy(self) -> None:
        """Forget everything."""
        librdkafka().rd_kafka_mock_cluster_destroy(self._cluster)
        librdkafka().rd_kafka_destroy(self._client)


@contextmanager
def mock_kafka() -> Iterator[MockKafka]:
    """A cluster that is gone afterwards."""
    kafka = MockKafka()
    try:
        yield kafka
    finally:
        kafka.destroy()


@contextmanager
def patient_leaders() -> Iterator[None]:
    """Let several aiokafka members form a group on the mock.

    It refuses a follower whose SyncGroup comes after the leader's, which a real broker takes.
    """
    rebalance = group_coordinator.CoordinatorGroupRebalance
    original = rebalance._on_join_leader

    async def patient(self, response):
        await asyncio.sleep(0.25)
        return await original(self, response)

    rebalance._on_join_leader = patient
    try:
        yield
    finally:
        rebalance._on_join_leader = original

"""A throw-away Apache Kafka: one KRaft node that is broker and controller, started from its jars.

It listens on free local ports only: PLAINTEXT, SASL_PLAINTEXT and SASL_SSL. `make test-live` puts
the jars into build/kafka.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port

JARS = Path(__file__).resolve().parents[3] / "build" / "kafka"
JAVA = ("java", "-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx384m")
CLUSTER = "PFkzurtBSvqDYidD52SJbA"
START_SECONDS = 120.0

USER = "crypitor"
PASSWORD = 'secret "quoted" \\ one'
KEYSTORE_PASSWORD = "keystore"

_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


class Broker:
    """One node.

    servers, sasl_servers, tls_servers: for `bootstrap_servers`, without protection, with a
    password, and with both a password and TLS.  ca: the file whose certificate vouches for TLS.
    settings: of server.properties, on top of ours.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        if not list(JARS.glob("kafka_*.jar")):
            raise FileNotFoundError(f"no Kafka in {JARS}: make build/kafka")
        self.folder = folder
        self.ca = folder / "ca.pem"
        plain, sasl, tls, controller = (free_port() for _ in range(4))
        self.servers = [f"127.0.0.1:{plain}"]
        self.sasl_servers = [f"127.0.0.1:{sasl}"]
        self.tls_servers = [f"localhost:{tls}"]
        self._port = plain
        self._process: subprocess.Popen[bytes] | None = None
        self._certify()
        login = f'{_PLAIN} user_{USER}="{_quoted(PASSWORD)}";'
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl},"
            f"SASL_SSL://localhost:{tls},CONTROLLER://127.0.0.1:{controller}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,"
            "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            **{
                f"listener.name.{listener}.{mechanism}.sasl.jaas.config": config
                for listener in ("sasl_plaintext", "sasl_ssl")
                for mechanism, config in (
                    ("plain", login),
                    ("scram-sha-256", _SCRAM),
                    ("scram-sha-512", _SCRAM),
                )
            },
            "ssl.keystore.location": str(folder / "keystore.p12"),
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.password": KEYSTORE_PASSWORD,
            "log.dirs": str(folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "broker.session.timeout.ms": "1500",
            "broker.heartbeat.interval.ms": "300",
            **(settings or {}),
        }
        self._properties = folder / "server.properties"
        self._properties.write_text(
            "".join(
                f"{key}={value.replace(chr(92), chr(92) * 2)}\n"
                for key, value in properties.items()
            )
        )

    def start(self) -> None:
        """Start it with the disk as it is, and return when it takes connections."""
        if not (self.folder / "data").exists():
            self._format()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*JAVA, "-cp", f"{JARS}/*", "kafka.Kafka", self._properties],
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.05)
        raise RuntimeError(f"Kafka did not start:\n{(self.folder / 'log').read_text()[-4000:]}")

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def wipe(self) -> None:
        """Empty its disk, while it is down: topics, messages and offsets are gone."""
        assert self._process is None
        shutil.rmtree(self.folder / "data")

    def send(self, sign: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(sign)

    @property
    def is_up(self) -> bool:
        """Whether it was started and not ended since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def _end(self, sign: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(sign)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _format(self) -> None:
        _run(
            *JAVA, "-cp", f"{JARS}/*", "kafka.tools.StorageTool", "format", "--standalone",
            "-t", CLUSTER, "-c", self._properties,
            *(word for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
              for word in ("--add-scram", f'{mechanism}=[name="{USER}",password="{PASSWORD}"]')),
        )  # fmt: skip

    def _certify(self) -> None:
        keystore = ("-keystore", self.folder / "keystore.p12", "-storepass", KEYSTORE_PASSWORD)
        _run(
            "keytool", "-genkeypair", "-alias", "kafka", "-keyalg", "EC", "-validity", "2",
            "-dname", "CN=localhost", "-ext", "SAN=DNS:localhost,IP:127.0.0.1", *keystore,
        )  # fmt: skip
        _run("keytool", "-exportcert", "-rfc", "-alias", "kafka", "-file", self.ca, *keystore)


@contextlib.contextmanager
def broker(settings: dict[str, str] | None = None) -> Iterator[Broker]:
    """Run a new broker; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="crypitor-kafka-"))
    node = Broker(folder, settings)
    try:
        node.start()
        yield node
    finally:
        node.kill()
        shutil.rmtree(folder)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")

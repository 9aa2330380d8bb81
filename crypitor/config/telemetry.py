"""The table `telemetry`: where traces go."""

from importlib.util import find_spec
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from crypitor.config.section import Section


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor what it stands in
        return False


class TelemetryConfig(Section):
    """Traces for OpenTelemetry. otlp: an http(s) URL, which may hold a key; None for none.

    ratio: of the traces that are sent.
    """

    otlp: SecretStr | None = None
    ratio: Annotated[float, Field(ge=0, le=1)] = 1.0

    @field_validator("otlp")
    @classmethod
    def _check_otlp(cls, secret: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(secret.get_secret_value()) if secret else None
        if parts and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("write http://host:4318 or https://host, without /v1/traces")
        if parts and not _is_installed("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError(
                "traces need a package that is not installed here: pip install 'crypitor[otel]'"
            )
        return secret

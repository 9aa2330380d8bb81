"""What the examples of all resources share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Examples:
    """Bodies of requests and of answers, by operationId."""

    bodies: Mapping[str, Any]
    answers: Mapping[str, Any]


def page(row: dict[str, Any]) -> dict[str, Any]:
    """Return a list of one."""
    return {"data": [row], "next_cursor": None}


MONITOR_ID: Final = "mo_01jd9qv3x8k5m2n7p4r6t8w0y1"
ENDPOINT_ID: Final = "ep_01jd9qv3x8h4b6d8f0g2j4m6q8"
PROJECT_ID: Final = "pr_01jd9qtzz0a1b2c3d4e5f6g7h8"
KEY_ID: Final = "ke_01jd9qtzz1s2t3v4w5x6y7z8a9"
MATCH_ID: Final = "ma_kd3Yb0mE2v9QxZ1tR7uLwA"
DELIVERY_ID: Final = "de_Pq4sT1nVb8cYhK2jX6zMfg"
JOB_ID: Final = "jo_01jd9qw5t6u7v8w9x0y1z2a3b4"
BEACON: Final = "0x00000000219ab540356cbb839cbe05303d7705fa"
VITALIK: Final = "0xd8da6bf26964af9d7eed9e03e53415d37aa96045"
USDC: Final = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
TRANSACTION: Final = "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"
BLOCK: Final = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
TIME: Final = "2026-11-22T15:00:00.123Z"
OLD_SECRET: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - an example
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 - an example

"""Endpoints that are Kafka topics: `kafka://TOPIC`, where the configuration allows it. Pure."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from crypitor.errors import Invalid

SCHEME = "kafka://"
LONGEST_TOPIC = 249


def topic_of(url: str) -> str | None:
    """Return the topic that a URL names, None for a URL that is no topic."""
    return url[len(SCHEME) :] if url[: len(SCHEME)].lower() == SCHEME else None


def check_topic(topic: str, allowed: Sequence[str]) -> str:
    """Return the URL of a topic as it is stored. Raises Invalid for one that is not allowed.

    allowed: `webhook.kafka_topics`: names, or their beginnings with a `*` behind.
    """
    if not allowed:
        raise Invalid("Kafka topics are not allowed here (see webhook.kafka_topics)")
    if not any(fnmatchcase(topic, one) for one in allowed) or not _is_name(topic):
        raise Invalid(f"the topic has to be {' or '.join(allowed)} (see webhook.kafka_topics)")
    return SCHEME + topic


def _is_name(topic: str) -> bool:
    return (
        0 < len(topic) <= LONGEST_TOPIC
        and topic not in {".", ".."}
        and topic.isascii()
        and topic.replace(".", "").replace("_", "").replace("-", "").isalnum()
    )

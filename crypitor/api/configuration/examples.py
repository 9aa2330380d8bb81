"""Examples for the OpenAPI document; a test holds them against their schemas."""

from crypitor.api.serving.examples import Examples

EXAMPLES = Examples(
    bodies={"set_log_level": {"level": "debug", "module": "worker.follower"}},
    answers={
        "reload_configuration": {
            "changed": ["networks.base", "webhook.allow_private"],
            "restart": ["database.connections"],
        },
        "set_log_level": {"level": "debug", "module": "worker.follower"},
    },
)

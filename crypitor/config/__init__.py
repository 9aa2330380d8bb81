"""`config.toml` and the environment as types; refuses what it does not know.

Every key is described in the config.toml of the repository. The environment overrides the file:
`CRYPITOR__SECTION__KEY`, lists and tables as JSON.
"""

from crypitor.config.doors import ApiConfig, MetricsConfig, ServerConfig
from crypitor.config.load import load
from crypitor.config.types import (
    ROLES,
    Config,
    DatabaseConfig,
    LogConfig,
    NetworkConfig,
    QueueConfig,
    RetentionConfig,
    Role,
    WebhookConfig,
    check_roles,
)

__all__ = [
    "ROLES",
    "ApiConfig",
    "Config",
    "DatabaseConfig",
    "LogConfig",
    "MetricsConfig",
    "NetworkConfig",
    "QueueConfig",
    "RetentionConfig",
    "Role",
    "ServerConfig",
    "WebhookConfig",
    "check_roles",
    "load",
]

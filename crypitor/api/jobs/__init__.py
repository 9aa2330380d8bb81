"""Jobs: backfills and replays."""

from crypitor.api.jobs import backfill, replay, routes

OPERATIONS = (
    *replay.monitor_routes.operations,
    *replay.endpoint_routes.operations,
    *backfill.routes.operations,
    *routes.routes.operations,
)

"""What the rules of a monitor cost, in points; of those that there are, what their texts promise.

monitors.rules_cost: one for each rule, each type of its signature, and each microsecond that its
conditions may take. It is measured whenever a monitor is saved.
"""

import json
import re

import sqlalchemy
from alembic import op

revision = "0031"
down_revision = "0030"

CHARACTERS_OF_A_POINT = 16

STATEMENTS = (
    "alter table monitors add column rules_cost bigint not null default 1",
    "create index monitors_used on monitors (project_id, rules_cost, address_count)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    connection = op.get_bind()
    update = sqlalchemy.text("update monitors set rules_cost = :cost where id = :id")
    for row in connection.execute(sqlalchemy.text("select id, rules from monitors")).fetchall():
        cost = sum(map(cost_of, json.loads(row.rules)))
        if cost != 1:
            connection.execute(update, {"cost": cost, "id": row.id})


def cost_of(rule: dict[str, object]) -> int:
    """Return the points that the texts of a stored rule let expect."""
    types = re.findall(r"[(,](?=[^),])", str(rule.get("signature", "")))
    characters = sum(len(str(rule.get(name, ""))) for name in ("where", "rearm"))
    return 1 + len(types) + -(-characters // CHARACTERS_OF_A_POINT)

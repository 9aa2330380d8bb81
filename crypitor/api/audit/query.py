"""How the audit is asked for."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from crypitor.api.serving.moment import Moment
from crypitor.api.serving.paging import Name, OrderedQuery
from crypitor.database.audit import AuditFilter
from crypitor.database.epochs import POSITION

Action: TypeAlias = Annotated[str, Field(pattern="^[a-z]+([._][a-z]+)*$", max_length=64)]


class Narrowed(BaseModel):
    """What entries of the audit are narrowed to."""

    model_config = ConfigDict(extra="forbid")

    project: Name | None = Field(None, description="Only an operator's key sees other projects'.")
    key: Name | None = Field(None, description="Of this key.")
    action: Action | None = Field(
        None, description="One, or the beginning of some: `monitor` has `monitor.create` too."
    )
    subject: Name | None = Field(None, description="What was done to this id.")
    since: Moment | None = Field(None, description="Done at this time or later.")
    until: Moment | None = Field(None, description="Done before this time.")

    def chosen(self, reach: str | None) -> AuditFilter:
        """Return the filter. reach: the only project that may be seen, None for all."""
        return AuditFilter(
            reach or self.project, self.key, self.subject, self.action, self.since, self.until
        )


class AuditQuery(OrderedQuery, Narrowed):
    """A page of the audit."""

    cursor: Annotated[str, Field(pattern=f"^{POSITION}$")] | None = Field(
        None, description="`next_cursor` of the page before."
    )

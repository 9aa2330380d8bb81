"""One request to a page: who looks, what they may, and how they are answered."""

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web
from multidict import MultiMapping

import crypitor
from crypitor.api.serving.context import Context
from crypitor.dashboard.frame.asking import ask
from crypitor.dashboard.frame.moments import as_asked
from crypitor.dashboard.page import rendered
from crypitor.database.keys import Caller, Scope
from crypitor.errors import CallerError, Conflict
from crypitor.webhook.body import rfc3339

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
TOAST = "said"
TOAST_SECONDS = 30
THEME = "theme"
THEMES = ("light", "dark")
UNDONE = ("/monitors/", "/endpoints/")
"""Where what can be taken back is."""


class Toast(msgspec.Struct):
    """What was done, told on the next page. undo: a path to POST to, with the body `fields`."""

    text: str
    undo: str | None = None
    good: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A page's place in the navigation. key: after `g` it leads there.

    scope: below which it is not shown; operator: it is shown to operators alone. apart: whether it
    is set apart from the daily work.
    """

    path: str
    title: str
    key: str
    scope: Scope = Scope.READ
    operator: bool = False
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list. chosen: filters, order and cursor of the address. problem: of them."""

    chosen: dict[str, str]
    rows: list[Any] = field(default_factory=list)
    next_cursor: str | None = None
    problem: CallerError | None = None

    @property
    def status(self) -> int:
        """What the page is answered with."""
        return 200 if self.problem is None else self.problem.status

    @property
    def beside(self) -> dict[str, Any]:
        """What templates of lists need beside the rows."""
        return {
            "chosen": self.chosen,
            "next_cursor": self.next_cursor,
            "problem": self.problem,
        }


@dataclass(slots=True)
class Visit:
    """One request to a page.

    token: which each form carries. elsewhere: what the project is called that an operator works in,
    None for the key's own. form: of a change. files: the parts of a form with a file that
    have not been read.
    """

    request: web.Request
    context: Context
    who: Caller
    token: str
    all_places: tuple[Place, ...]
    elsewhere: str | None = None
    form: MultiMapping[Any] | None = None
    files: AsyncIterator[BodyPartReader] | None = None
    _headers: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        """The navigation of who looks."""
        return [
            place
            for place in self.all_places
            if self.who.scope >= place.scope and (self.who.operator or not place.operator)
        ]

    @property
    def writes(self) -> bool:
        """Whether buttons are drawn that change something."""
        return self.who.scope >= Scope.WRITE

    @property
    def governs(self) -> bool:
        """Whether keys and projects are shown."""
        return self.who.scope >= Scope.ADMIN

    def asked(self, *names: str) -> dict[str, str]:
        """Return those parameters of the address that are given, without spaces around them."""
        query = self.request.query
        return {name: query[name].strip() for name in names if query.get(name, "").strip()}

    def field(self, name: str) -> str:
        """Return a text field of the form, without spaces around it; empty if it is not there."""
        value = self.form.get(name, "") if self.form is not None else ""
        return value.strip() if isinstance(value, str) else ""

    def refuse_outdated(self, stored: Mapping[str, Any]) -> None:
        """Raise Conflict where somebody changed a thing since this form of it was opened."""
        if self.field("updated_at") != stored["updated_at"]:
            raise Conflict(
                "somebody changed this after you opened the form. The form holds what you typed, "
                "and nothing is saved yet: look at theirs, and save again to put yours in its place"
            )

    async def listed(self, run: Callable[..., Any], limit: int, *filters: str) -> Listed:
        """Return a page of a list, narrowed and ordered as the address says.

        run: an operation that lists. filters: its parameters that the address may have, beside
        `order` and `cursor`. What is refused is told on the page, with an empty list.
        """
        chosen = self.asked(*filters, "order", "cursor")
        try:
            query = as_asked(chosen, self.context.clock())
            answer = await self.ask(run, query={**query, "limit": limit})
        except CallerError as error:
            return Listed(chosen, problem=error)
        return Listed(chosen, answer["data"], answer["next_cursor"])

    async def ask(self, run: Callable[..., Any], **arguments: Any) -> Any:
        """Ask an operation of the API; see `crypitor.dashboard.frame.asking`."""
        return await ask(self.request, run, **arguments)

    def show(self, template: str, status: int = 200, **content: Any) -> web.Response:
        """Answer a page."""
        networks = self.context.networks
        text = rendered(
            template,
            self.context.front.base_path,
            visit=self,
            version=crypitor.__version__,
            path=self.request.path,
            theme=self.theme,
            present=rfc3339(self.context.clock()),
            toast=self._toast(),
            symbols={name: facts.symbol for name, facts in networks.items()},
            explorers={name: facts.explorer for name, facts in networks.items()},
            **content,
        )
        return page(text, status)

    def go(self, path: str, said: str = "", *, undo: str | None = None) -> web.Response:
        """Answer a change: look there now. said: the toast; undo: what takes it back, by POST."""
        response = web.Response(status=303, headers={"Location": path})
        if said:
            text = base64.urlsafe_b64encode(msgspec.json.encode(Toast(said, undo))).decode()
            response.set_cookie(
                TOAST, text, max_age=TOAST_SECONDS, httponly=True, samesite="Strict",
                secure=is_secure(self.request),
            )  # fmt: skip
        return response

    @property
    def theme(self) -> str:
        """The look that was chosen; empty for what the system says."""
        chosen = self.request.cookies.get(THEME, "")
        return chosen if chosen in THEMES else ""

    def _toast(self) -> Toast | None:
        text = self.request.cookies.get(TOAST)
        if not text:
            return None
        try:
            toast = msgspec.json.decode(base64.urlsafe_b64decode(text), type=Toast)
        except (msgspec.MsgspecError, binascii.Error, ValueError):
            return None
        own = toast.undo is None or toast.undo.startswith(UNDONE)
        return toast if own else None


def page(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return HTML as every page is answered."""
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            **(headers or {}),
        },
    )


def is_secure(request: web.Request) -> bool:
    """Whether the browser came by TLS, to us or to a trusted proxy before us."""
    return request.secure

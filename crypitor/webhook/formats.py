"""Which body an endpoint gets. Pure."""

from dataclasses import dataclass

from crypitor.evm.metadata import NOTHING, Token
from crypitor.monitor.models import Confirmations, Match, Phase
from crypitor.webhook.body import body, document
from crypitor.webhook.crypitor import FORMAT, crypitor_body, origin


@dataclass(frozen=True, slots=True)
class Texts:
    """What is stored of a match, once, to make all its bodies of.

    document: see `body.document`. origin: see `crypitor.origin`.
    """

    document: str
    origin: str | None

    def body(
        self,
        format: str,  # noqa: A002 - as the endpoint's field
        phase: Phase,
        *,
        confirmations: int,
        confirmations_required: Confirmations,
        now: int,
    ) -> str:
        """Return the body of a phase in an endpoint's format; standard where it has no form.

        The other arguments: see `body.body`.
        """
        if format == FORMAT and self.origin is not None:
            return crypitor_body(phase, self.document, self.origin, now)
        return body(
            phase,
            self.document,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            now=now,
        )


def texts_of(match: Match, chain_id: int, display_name: str, token: Token = NOTHING) -> Texts:
    """Return what is to be stored of a match. token: what is known of its contract by now."""
    return Texts(document(match, chain_id, token), origin(match, chain_id, display_name))

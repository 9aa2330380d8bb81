"""What a network's leader does beside following it: past blocks, looks at state, and tokens."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from crypitor.backfill.runner import Backfill
from crypitor.config import Config
from crypitor.database.engine import Database
from crypitor.gauges.looker import Looker
from crypitor.monitor.position import kept_headers
from crypitor.process.observer import Observer
from crypitor.process.status import title_of
from crypitor.runtime.loop import clock
from crypitor.worker.follower import Follower
from crypitor.worker.limit import Rank
from crypitor.worker.nodes import Nodes
from crypitor.worker.tokens import TokenReader

Beside: TypeAlias = tuple[Backfill, Looker, TokenReader]


def beside_of(
    config: Config,
    name: str,
    follower: Follower,
    nodes: Mapping[Rank, Nodes],
    tokens: Nodes,
    databases: tuple[Database, Database],
    *,
    wake: Callable[[Iterable[str]], None],
    observer: Observer,
    spare: Callable[[], None],
) -> Beside:
    """Return these roles of a network. databases: the second one gives way to blocks.

    tokens: the nodes that are asked about tokens.
    spare: raises DatabaseUnavailable while there is no room for what can wait.
    """
    network = config.followed[name]
    shared: dict[str, Any] = {
        "term": lambda: follower.term,
        "confirmations": network.confirmations,
        "wake": wake,
        "clock": clock,
        "observer": observer,
    }
    told_as = (name, network.chain_id, title_of(network))
    past = Backfill(
        *told_as,
        nodes[Rank.PAST],
        databases[0],
        keep=kept_headers(network.max_reorg_depth),
        in_flight=config.backfill.in_flight,
        requests_per_second=config.backfill.requests_per_second,
        spare=spare,
        **shared,
    )
    reader = TokenReader(
        name, tokens, databases[1], clock=clock, leading=lambda: follower.term is not None
    )
    return past, Looker(*told_as, nodes[Rank.ASIDE], databases[1], **shared), reader

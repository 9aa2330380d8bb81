"""The table of chains in docs/networks.md; `python -m tests.evm.table_of_chains` writes it anew."""

from collections.abc import Iterator
from pathlib import Path

from crypitor.evm.coins import EIP_7708
from crypitor.evm.networks import PRESETS, Preset
from crypitor.evm.profiles import Profile, profile_of

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
BEGIN, END = "<!-- made from profiles and presets -->", "<!-- end -->"
HEAD = (
    "name", "chain", "a block every", "`verify`", "coin logs", "inner moves", "final by",
    "may go back", "what is not seen at that proof", "looked at",
)  # fmt: skip

_UNSEEN = {
    "off": "receipts and logs that a node leaves out or changes",
    "logs": "a log's data, a status or gas that a node changes",
    "settled": "what a node leaves out, until the block is settled",
    "receipts": "",
}
_OUTSIDE = {"state_sync": "state-sync", "system": "system", "phantom": "failed"}


def table() -> str:
    """The table as Markdown, in the order of the presets."""
    rows = [HEAD, ("---",) * len(HEAD), *(map(_row, PRESETS, PRESETS.values()))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def shown(page: str) -> str:
    """What stands between the marks."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def _row(name: str, preset: Preset) -> tuple[str, ...]:
    profile = profile_of(preset.chain_id)
    minutes = preset.max_reorg_depth * preset.block_seconds / 60
    coins, inner = _coins(profile)
    return (
        f"`{name}`",
        str(preset.chain_id),
        f"{preset.block_seconds:g} s",
        f"`{preset.verify}`",
        coins,
        inner,
        preset.finality,
        f"{preset.max_reorg_depth} blocks, {minutes:.0f} min",
        "; ".join(_unseen(profile)) or "nothing",
        preset.seen,
    )


def _coins(profile: Profile) -> tuple[str, str]:
    """Who tells of the chain's own coin by logs, and whether traces are needed for inner moves."""
    told = profile.coin_logs
    if told == EIP_7708:
        return "with EIP-7708", "traces"
    address = f"{told.address[:4]}…{told.address[-4:]}"
    if told.since is None:
        return f"{address}, from its fork", "traces"
    return address, "logs" if told.since == 0 else f"logs from {told.since}"


def _unseen(profile: Profile) -> Iterator[str]:
    if always := _UNSEEN[profile.strongest]:
        yield always
    kinds = [_OUTSIDE[kind] for kind in sorted(profile.uncommitted) if kind != "phantom"]
    if kinds and profile.strongest != "off":
        before = "" if profile.bloom_from > 10**15 else f" before block {profile.bloom_from:,}"
        yield f"logs of {kinds[0]} transactions exchanged with their bloom{before}"
    for _, last in profile.holes:
        yield f"what blocks to {last:,} do not prove"


def write() -> None:
    """Put the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()

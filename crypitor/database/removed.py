"""What the retention has removed, as far as others have to know."""

from collections.abc import Iterable

from crypitor.database.engine import Transaction

WIDEN = """insert into removed_matches (monitor_id, network, from_block, to_block)
    values (:monitor_id, :network, :first, :last)
    on conflict (monitor_id, network) do update set
        from_block = case when excluded.from_block < removed_matches.from_block
            then excluded.from_block else removed_matches.from_block end,
        to_block = case when excluded.to_block > removed_matches.to_block
            then excluded.to_block else removed_matches.to_block end"""

MOVE = """insert into removed_positions (project_id, position) values (:project_id, :position)
    on conflict (project_id) do update set position = case
        when excluded.position > removed_positions.position
            then excluded.position else removed_positions.position end"""

MOVE_EVENTS = MOVE.replace("removed_positions", "removed_events")


async def note_removed(
    tx: Transaction, project_id: str, position: int, blocks: Iterable[tuple[str, str, int, int]]
) -> None:
    """Note that matches were removed, the last of them at a position.

    blocks: monitor, network, lowest and highest block.
    """
    await tx.run(MOVE, project_id=project_id, position=position)
    await tx.many(WIDEN, sorted(blocks))


async def note_removed_events(tx: Transaction, project_id: str, position: int) -> None:
    """Note that events were removed up to a position."""
    await tx.run(MOVE_EVENTS, project_id=project_id, position=position)


async def removed_blocks(tx: Transaction, monitor_id: str, network: str) -> range:
    """Return the blocks of which matches of a monitor have been removed; may be empty."""
    row = await tx.one(
        """select from_block, to_block from removed_matches
            where monitor_id = :monitor_id and network = :network""",
        monitor_id=monitor_id,
        network=network,
    )
    return range(row["from_block"], row["to_block"] + 1) if row else range(0)


async def removed_position(tx: Transaction, project_id: str) -> int:
    """Return the position up to which matches of a project may be missing, 0 for none."""
    position: int | None = await tx.value(
        "select position from removed_positions where project_id = :project_id",
        project_id=project_id,
    )
    return position or 0

"""`crypitor queue`: what an operator does with the queue by hand."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from crypitor.cli.opened import ConfigPath, failure, in_database, load
from crypitor.cli.saying import say
from crypitor.runtime.terminal import visible

if TYPE_CHECKING:
    from crypitor.config import Config
    from crypitor.database.dead_letters import DeadLetter

queue = typer.Typer(help="The queue between workers and monitors.", no_args_is_help=True)
dead = typer.Typer(
    help="Dead letters: records of the queue that could not be read.", no_args_is_help=True
)
queue.add_typer(dead, name="dead")

SHOWN_BYTES = 512

LetterId = Annotated[str, typer.Argument(metavar="ID", help="As `queue dead list` shows it.")]


@dead.command("list")
def list_dead(
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 100,
    config: ConfigPath = None,
) -> None:
    """List them, oldest first."""
    from crypitor.database.dead_letters import list_dead_letters
    from crypitor.webhook.body import rfc3339

    for letter in in_database(load(config), lambda tx: list_dead_letters(tx, limit)):
        place = f"{letter.topic}/{letter.partition}/{letter.offset}"
        say(f"{letter.id}  {rfc3339(letter.created_at)}  {place}  {visible(letter.reason)}")


@dead.command("show")
def show_dead(
    letter_id: LetterId,
    raw: Annotated[bool, typer.Option("--raw", help="Write its bytes, and nothing else.")] = False,
    config: ConfigPath = None,
) -> None:
    """Show one of them, with the beginning of its bytes."""
    from crypitor.webhook.body import rfc3339

    letter = _letter(load(config), letter_id)
    if raw:
        typer.echo(letter.value, nl=False)
        return
    say(f"id         {letter.id}")
    say(f"read at    {rfc3339(letter.created_at)}")
    say(f"topic      {letter.topic}, partition {letter.partition}, offset {letter.offset}")
    say(f"reason     {letter.reason}")
    say(f"key        {letter.key!r}")
    say(f"value      {len(letter.value)} bytes: {letter.value[:SHOWN_BYTES]!r}")


@dead.command("requeue")
def requeue_dead(letter_id: LetterId, config: ConfigPath = None) -> None:
    """Put one of them back into the topic as it was, and forget it here."""
    from crypitor.database.dead_letters import delete_dead_letter
    from crypitor.queue.connection import connection_of
    from crypitor.queue.kafka import KafkaQueue
    from crypitor.queue.topic import blocks_topic

    loaded = load(config)
    letter = _letter(loaded, letter_id)

    async def send() -> None:
        kafka = KafkaQueue(connection_of(loaded.queue), blocks_topic(loaded.queue))
        try:
            await kafka.send_again(letter.key, letter.value)
        finally:
            await kafka.close()

    asyncio.run(send())
    in_database(loaded, lambda tx: delete_dead_letter(tx, letter_id))
    say(f"requeued {letter_id}")


@dead.command("delete")
def delete_dead(letter_id: LetterId, config: ConfigPath = None) -> None:
    """Forget one of them."""
    from crypitor.database.dead_letters import delete_dead_letter

    if not in_database(load(config), lambda tx: delete_dead_letter(tx, letter_id)):
        raise failure(f"there is no dead letter {letter_id}")
    say(f"deleted {letter_id}")


def _letter(config: "Config", letter_id: str) -> "DeadLetter":
    from crypitor.database.dead_letters import get_dead_letter

    letter = in_database(config, lambda tx: get_dead_letter(tx, letter_id))
    if letter is None:
        raise failure(f"there is no dead letter {letter_id}")
    return letter

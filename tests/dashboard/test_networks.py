"""Letting a stopped network go on, on its page."""

from crypitor.api.matches.examples import BLOCK
from crypitor.database.keys import Scope
from crypitor.errors import NodeUnavailable
from crypitor.worker.resuming import Proposal
from tests.api.rows import insert_match
from tests.api.test_resume import headers, look

PAGE = "/networks/ethereum/resume"
REASON = "block 96 stands on nothing; `crypitor network resume ethereum --from-block 96` goes on"


async def stop(api, trouble: str = REASON) -> None:
    """Let the network have stopped at block 100, with a match that the new chain has not."""

    async def unit(tx):
        await tx.run(
            "insert into networks (name, chain_id, term, sequence, rewind) values ('ethereum', 1, 1, 9, 0)"
        )
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        match = await insert_match(tx, api.project, 1)
        await tx.run("update matches set block_number = 98 where id = :id", id=match)

    await api.context.database.write(unit)
    state = {"state": "stopped", "trouble": trouble, "head": 150, "tip": 100}
    object.__setattr__(api.context, "status", lambda: {"ethereum": state})
    object.__setattr__(api.context, "footings", {"ethereum": look})


async def test_it_says_what_it_would_come_to_and_then_does_it(api, admin):
    """The block that the trouble names is proposed; nothing is changed before it is confirmed."""
    await stop(api)
    page = (await admin.get("/networks/ethereum")).html
    opened = (await admin.get(PAGE)).html
    looked = (await admin.get(f"{PAGE}?from_block=96")).html
    before = await headers(api)
    done = await admin.post(PAGE, {"from_block": "96"})
    told = (await admin.get(done.to)).html

    assert PAGE in page.links
    assert 'value="96"' in opened.text
    assert "1 match will be reverted" in looked.words
    assert "No block is left unmatched" in looked.words
    assert before == [100]
    assert done.to == "/networks/ethereum"
    assert "It goes on at block 96; matches reverted: 1" in told.words
    assert await headers(api) == [93, 94, 95]


async def test_blocks_that_would_be_left_out_are_told_first(api, admin):
    """With their heights; a block that no node has is refused, and what is no number."""
    await stop(api)
    looked = await admin.get(f"{PAGE}?from_block=111")
    missing = await admin.get(f"{PAGE}?from_block=200")
    nonsense = await admin.post(PAGE, {"from_block": "<b>"})

    assert "10 blocks left unmatched" in looked.html.words
    assert (missing.status, "no node has block 199" in missing.html.words) == (409, True)
    assert nonsense.status == 400
    assert await headers(api) == [100]


async def test_where_the_trouble_names_no_block_the_first_that_differs_is_proposed(api, admin):
    """With the reason, and what it would come to; where no node answers, one is asked for."""
    await stop(api, "the reorg is deeper than max_reorg_depth")

    async def propose(known, known_at):
        assert (known.oldest, known.newest) == (98, 100)
        assert await known_at(99) == (98, BLOCK)
        return Proposal(96, "Block 95 was matched, and the nodes have it still.")

    async def silent(known, known_at):
        raise NodeUnavailable("nobody is there")

    object.__setattr__(api.context, "proposals", {"ethereum": propose})
    page = (await admin.get(PAGE)).html
    object.__setattr__(api.context, "proposals", {"ethereum": silent})
    asking = await admin.get(PAGE)

    assert 'value="96"' in page.text
    assert "Proposed. Block 95 was matched" in page.words
    assert "1 match will be reverted" in page.words
    assert (asking.status, "no node answers" in asking.html.words) == (409, True)


async def test_others_see_no_way_to_it(api, browser):
    """A key that writes is told the command; its page is refused."""
    await stop(api)
    await browser.log_in(await api.key(Scope.WRITE))
    page = (await browser.get("/networks/ethereum")).html

    assert PAGE not in page.links
    assert "crypitor network resume ethereum" in page.words
    assert (await browser.get(PAGE)).status == 403
    assert (await browser.post(PAGE, {"from_block": "96"})).status == 403

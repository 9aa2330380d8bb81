"""What tokens say of themselves, and which of them somebody has to ask.

The table is also the list of what is wanted: the matcher, wherever it runs, notes the contracts it
does not know, and whoever has nodes asks them.
"""

import json
from collections.abc import Collection

from crypitor.database.engine import Row, Transaction
from crypitor.evm.metadata import Token
from crypitor.evm.types import Address
from crypitor.monitor.tokens import Kept

GOOD_FOR_MS = 30 * 24 * 3600 * 1000
"""How long a token's words count; names and symbols do change, rarely."""

NOTHING_FOR_MS = 24 * 3600 * 1000
"""How long it counts that a contract says nothing."""

SELECT = """select contract, name, symbol, decimals, checked_at, wanted from tokens
    where network = :network and contract in {contracts}"""

WANT = """insert into tokens (network, contract, checked_at, wanted)
    values (:network, :contract, 0, 1)
    on conflict (network, contract) do update set wanted = 1"""

SELECT_WANTED = """select contract from tokens where network = :network and wanted = 1
    order by checked_at, contract limit :limit"""

# A contract that falls silent keeps what it has said.
STORE = """update tokens set name = coalesce(:name, name), symbol = coalesce(:symbol, symbol),
        decimals = coalesce(:decimals, decimals), checked_at = :now, wanted = 0
    where network = :network and contract = :contract"""

PUT_OFF = """update tokens set checked_at = :now
    where network = :network and contract = :contract and wanted = 1"""


async def known_tokens(
    tx: Transaction, network: str, contracts: Collection[Address]
) -> dict[Address, Token]:
    """Return what is stored of these contracts; nothing becomes wanted."""
    rows = await tx.all(
        SELECT.format(contracts=tx.listed("contracts")),
        network=network,
        contracts=json.dumps(sorted(contracts)),
    )
    return {row["contract"]: Token(row["name"], row["symbol"], row["decimals"]) for row in rows}


async def find_tokens(
    tx: Transaction, network: str, contracts: Collection[Address], now: int
) -> dict[Address, Kept]:
    """Return what is stored of these contracts; what is missing or too old becomes wanted."""
    if not contracts:
        return {}
    rows = await tx.all(
        SELECT.format(contracts=tx.listed("contracts")),
        network=network,
        contracts=json.dumps(sorted(contracts)),
    )
    wanted = {row["contract"] for row in rows if row["wanted"]}
    found = {row["contract"]: _kept(row, now) for row in rows}
    await tx.many(
        WANT,
        [
            (network, contract)
            for contract in sorted(contracts)
            if contract not in wanted
            and (contract not in found or found[contract].good_until is None)
        ],
    )
    return found


async def wanted_tokens(tx: Transaction, network: str, limit: int) -> list[Address]:
    """Return contracts that have to be asked, those not tried for longest first."""
    rows = await tx.all(SELECT_WANTED, network=network, limit=limit)
    return [row["contract"] for row in rows]


async def store_token(
    tx: Transaction, network: str, contract: Address, token: Token, now: int
) -> None:
    """Store what a contract says of itself."""
    await tx.run(
        STORE,
        name=token.name,
        symbol=token.symbol,
        decimals=token.decimals,
        now=now,
        network=network,
        contract=contract,
    )


async def put_off_token(tx: Transaction, network: str, contract: Address, now: int) -> None:
    """Let the others go first: this one could not be asked."""
    await tx.run(PUT_OFF, now=now, network=network, contract=contract)


def _kept(row: Row, now: int) -> Kept:
    token = Token(row["name"], row["symbol"], row["decimals"])
    age = GOOD_FOR_MS if token.says_something else NOTHING_FOR_MS
    good_until = row["checked_at"] + age
    # What was checked later than now was so by a clock that is ahead: it is asked again.
    good = row["checked_at"] <= now < good_until
    return Kept(token, good_until if good and not row["wanted"] else None)

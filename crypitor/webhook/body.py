"""What is sent: the body of each phase of a match, in the standard format. Pure.

Source: the contract's "Webhooks" section; Standard Webhooks 1.0, "Payload structure".
"""

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from crypitor.evm.abi import Function, result_decoder, to_json
from crypitor.evm.metadata import NOTHING, Token
from crypitor.evm.profiles import profile_of
from crypitor.evm.transfers import TRANSFER_SINGLE, address_in, batch_arrays
from crypitor.evm.types import Address, Header, Log, Receipt, Transaction, number_of
from crypitor.monitor.condition.scope import fee_of, selector_of
from crypitor.monitor.models import Confirmations, Kind, Match, Phase, Reading, Seen, Subject

NATIVE_DECIMALS = 18
"""Of every EVM chain's own coin: the protocol counts in wei."""


@lru_cache(maxsize=64)
def rfc3339(unix_ms: int) -> str:
    """Return an instant as RFC 3339 text in UTC with milliseconds."""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"


def document(match: Match, chain_id: int, token: Token = NOTHING, symbol: str | None = None) -> str:
    """Return the JSON object that stays the same in all phases of a match.

    It is stored, and becomes `data` of each body once the confirmations are added.
    token: what is known of the contract by now. symbol: of the chain's own coin.
    """
    subject, header = match.subject, match.header
    return _json(
        {
            "id": match.id,
            "monitor": {
                "id": match.monitor.id,
                "name": match.monitor.name,
                "tags": match.monitor.tags,
                **({"severity": match.monitor.severity} if match.monitor.severity else {}),
            },
            "network": match.network,
            "chain_id": chain_id,
            "kind": subject.kind,
            "direction": match.direction,
            "address": match.address,
            "label": match.label,
            "block": _block(header),
            "transaction": _transaction(match),
            "log_index": subject.log_index,
            "item": subject.item,
            "from_address": subject.sender,
            "to_address": subject.receiver,
            "contract": None if subject.contract is None else _contract(subject.contract, token),
            "amount": None if subject.amount is None else str(subject.amount),
            "amount_formatted": _formatted(subject, token),
            "token_id": None if subject.token_id is None else str(subject.token_id),
            "event": None if subject.log is None else _event(subject.log, subject),
            **_coin(subject, chain_id, symbol),
            **_own(subject, token),
        }
    )


def end_of(subject: Subject, header: Header, token: Token = NOTHING) -> str:
    """Return as JSON what the end of a balance or a view adds to its match: `data.ended`."""
    return _json({"block": _block(header), **_own(subject, token)})


def body(
    phase: Phase,
    document: str,
    *,
    confirmations: int,
    confirmations_required: Confirmations,
    now: int,
    end: str | None = None,
) -> str:
    """Return the body that tells a phase.

    document: as `document()` made it when the match was found.
    end: of the phase `ended`, as `end_of()` made it.
    confirmations: head - block + 1; 0 for a block that has left the chain.
    now: unix milliseconds of the phase, not of an attempt.
    """
    counted = _json(
        {"confirmations": confirmations, "confirmations_required": confirmations_required}
    )
    ended = "" if end is None else f'"ended":{end},'
    return (
        f'{{"type":"match.{phase}","timestamp":"{rfc3339(now)}",'
        f'"data":{document[:-1]},{ended}{counted[1:]}}}'
    )


def formatted(amount: int, decimals: int) -> str:
    """Return an amount in whole coins, exactly, without zeros at its end."""
    whole, rest = divmod(amount, 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _formatted(subject: Subject, token: Token) -> str | None:
    """Return an amount in whole coins; None where nobody counts so, or the decimals are unknown."""
    if subject.amount is None:
        return None
    if subject.kind in (Kind.NATIVE, Kind.INTERNAL, Kind.WITHDRAWAL):
        return formatted(subject.amount, NATIVE_DECIMALS)
    if subject.kind is Kind.ERC20 and token.decimals is not None:
        return formatted(subject.amount, token.decimals)
    return None


def _transaction(match: Match) -> dict[str, object] | None:
    """Return the transaction of a match; None for a withdrawal, which none carries."""
    transaction, receipt = match.transaction, match.receipt
    if transaction is None or receipt is None:
        return None
    return {
        "hash": transaction.hash,
        "index": int(transaction.index, 16),
        "from_address": transaction.sender,
        "to_address": transaction.to,
        "value": str(int(transaction.value, 16)),
        "status": "success" if receipt.succeeded else "failed",
        **(_costs(transaction, receipt) if match.subject.kind is Kind.TRANSACTION else {}),
    }


def _coin(subject: Subject, chain_id: int, symbol: str | None) -> dict[str, object]:
    """Return in what the amount of a match is counted, or its fee, where that is no token."""
    if subject.kind not in (Kind.NATIVE, Kind.INTERNAL, Kind.WITHDRAWAL, Kind.TRANSACTION):
        return {}
    if subject.kind is Kind.WITHDRAWAL:
        symbol = profile_of(chain_id).withdrawn or symbol
    return {"coin": {"symbol": symbol, "decimals": NATIVE_DECIMALS}}


def _block(header: Header | Reading) -> dict[str, object]:
    at = header.timestamp * 1000
    return {"number": header.number, "hash": header.hash, "timestamp": rfc3339(at)}


def _own(subject: Subject, token: Token) -> dict[str, object]:
    """Return what only this kind has."""
    if (seen := subject.seen) is not None:
        shown = _balance(subject, seen, token) if subject.abi is None else _view(subject, seen)
        blocks = [None if one is None else _block(one) for one in (seen.before, seen.reading)]
        return {subject.kind.value: shown, "looked_at": blocks}
    if subject.kind is Kind.CALL:
        return {"call": _decoded(subject)}
    if (withdrawn := subject.withdrawal) is not None:
        told = {"index": withdrawn.index, "validator_index": withdrawn.validator_index}
        return {"withdrawal": {name: int(value, 16) for name, value in told.items()}}
    if (given := subject.delegation) is not None:
        told_of = {"delegate": given.delegate, "nonce": str(given.nonce)}
        return {"delegation": {**told_of, "chain_id": given.chain_id}}
    return {}


def _balance(subject: Subject, seen: Seen, token: Token) -> dict[str, object]:
    """Return a balance and the one before, in smallest units and in whole coins."""
    decimals = NATIVE_DECIMALS if subject.contract is None else token.decimals
    if subject.token_id is not None:
        decimals = None
    value: str = seen.reading.value or "0"
    before = None if seen.before is None else seen.before.value
    return {
        "value": value,
        "formatted": None if decimals is None else formatted(int(value), decimals),
        "previous": before,
        "previous_formatted": None
        if decimals is None or before is None
        else formatted(int(before), decimals),
        "change": None if before is None else str(int(value) - int(before)),
    }


def _view(subject: Subject, seen: Seen) -> dict[str, object]:
    """Return a function and what it returned, now and before; null where it did not."""
    assert isinstance(subject.abi, Function)
    results = [
        None if one is None else returned(subject.abi, one.value)
        for one in (seen.reading, seen.before)
    ]
    return {
        **_decoded(subject),
        "result": results[0],
        "previous": results[1],
        "reverted": seen.reading.value is None,
    }


def returned(function: Function, answer: str | None) -> dict[str, object] | None:
    """Return what a function returned, by name or place; None where it did not, or otherwise."""
    values = None if answer is None else result_decoder(function)(answer)
    return None if values is None else to_json(function.outputs, values)


def _costs(transaction: Transaction, receipt: Receipt) -> dict[str, object]:
    """Return what a match of a whole transaction tells beside what all tell."""
    fee, price = fee_of(receipt), number_of(receipt.effective_gas_price)
    return {
        "type": number_of(receipt.type) or 0,
        "nonce": _text(number_of(transaction.nonce)),
        "selector": selector_of(transaction),
        "gas_used": _text(number_of(receipt.gas_used)),
        "gas_price": _text(price),
        "fee": _text(fee),
    }


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _contract(address: Address, token: Token) -> dict[str, object]:
    return {
        "address": address,
        "name": token.name,
        "symbol": token.symbol,
        "decimals": token.decimals,
    }


def _event(log: Log, subject: Subject) -> dict[str, object]:
    if subject.kind is Kind.EVENT:
        return _decoded(subject)
    parties = {"from": subject.sender, "to": subject.receiver}
    if subject.kind is Kind.ERC20:
        signature = "Transfer(address,address,uint256)"
        args: dict[str, object] = {**parties, "value": str(subject.amount)}
    elif subject.kind is Kind.ERC721:
        signature = "Transfer(address,address,uint256)"
        args = {**parties, "tokenId": str(subject.token_id)}
    elif log.topics[0] == TRANSFER_SINGLE:
        signature = "TransferSingle(address,address,address,uint256,uint256)"
        args = {
            "operator": address_in(log.topics[1]),
            **parties,
            "id": str(subject.token_id),
            "value": str(subject.amount),
        }
    else:
        signature = "TransferBatch(address,address,address,uint256[],uint256[])"
        ids, amounts = batch_arrays(log.data) or ([], [])
        args = {
            "operator": address_in(log.topics[1]),
            **parties,
            "ids": [str(token_id) for token_id in ids],
            "values": [str(amount) for amount in amounts],
        }
    return {"name": signature.partition("(")[0], "signature": signature, "args": args}


def _decoded(subject: Subject) -> dict[str, object]:
    assert subject.abi is not None
    args = to_json(subject.abi.arguments, subject.args)
    return {"name": subject.abi.name, "signature": subject.abi.signature, "args": args}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

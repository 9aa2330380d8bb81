"""What the actors of a simulated chain do next, drawn by a seeded generator."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TypeAlias

from crypitor.development.simulator.calls import Call
from crypitor.development.simulator.contracts import Contracts, empty_creation, token_creation
from crypitor.development.simulator.ledger import Ledger
from crypitor.development.simulator.tokens import Erc20, Erc721, Erc1155
from crypitor.development.simulator.transactions import Actor, created_address
from crypitor.evm.address import ZERO_ADDRESS
from crypitor.evm.types import Address

_FAILED = 0.04
_TO_ONESELF = 0.03
_TO_A_CONTRACT = 0.03
_ZERO_AMOUNT = 0.02
_LONGEST_BATCH = 6
_TOKEN_KINDS = 12
_SEARCHES = 8

Choice: TypeAlias = Callable[[Random, Actor, Ledger], Call]


class Traffic:
    """Draws one call after another; pure but for the generator that is passed in."""

    def __init__(self, actors: tuple[Actor, ...], contracts: Contracts) -> None:
        self._actors = actors
        self._contracts = contracts
        weights: dict[Choice, int] = {
            self._pay: 34,
            self._pay_nothing: 2,
            self._erc20_transfer: 26,
            self._erc20_spend: 5,
            self._erc20_supply: 4,
            self._approve: 3,
            self._wrap: 3,
            self._swap: 4,
            self._disperse: 2,
            self._pay_inside: 4,
            self._erc721_move: 6,
            self._erc721_mint: 3,
            self._erc1155_single: 5,
            self._erc1155_batch: 3,
            self._erc1155_supply: 2,
            self._create: 2,
            self._lookalike: 2,
        }
        self._choices = list(weights)
        self._weights = list(weights.values())

    def next(self, rng: Random, ledger: Ledger, room: int) -> tuple[Actor, Call]:
        """Return who does what; never more than `room` movements."""
        while True:
            actor = self._actor(rng)
            call = rng.choices(self._choices, self._weights)[0](rng, actor, ledger)
            if rng.random() < _FAILED:
                call = replace(call, reverts=True)
            if call.movement_count <= room:
                return actor, call

    def _actor(self, rng: Random) -> Actor:
        """The first ones far more often than the last ones, as on a real chain."""
        return self._actors[int(len(self._actors) * rng.random() ** 2)]

    def _target(self, rng: Random, actor: Actor) -> Address:
        chance = rng.random()
        if chance < _TO_ONESELF:
            return actor.address
        if chance < _TO_ONESELF + _TO_A_CONTRACT:
            return self._contracts.exchange.address
        return self._actor(rng).address

    def _token(self, rng: Random) -> Erc20:
        return rng.choice(self._contracts.erc20)

    def _pay(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        return Call(self._target(rng, actor), value=rng.randrange(10**14, 10**19))

    def _pay_nothing(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        return Call(self._target(rng, actor), rng.randbytes(rng.randrange(40)))

    def _erc20_transfer(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token = self._token(rng)
        return token.transfer(actor.address, self._target(rng, actor), _amount(rng, token))

    def _erc20_spend(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token, owner = self._token(rng), self._actor(rng)
        return token.transfer_from(owner.address, self._target(rng, actor), _amount(rng, token))

    def _erc20_supply(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token = self._token(rng)
        if rng.random() < 0.5:
            return token.burn(actor.address, _amount(rng, token))
        return token.mint(self._target(rng, actor), _amount(rng, token))

    def _approve(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        amount = rng.choice((0, 10**18, 2**256 - 1))
        return self._token(rng).approve(actor.address, self._contracts.exchange.address, amount)

    def _wrap(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        return self._contracts.wrapped.deposit(actor.address, rng.randrange(10**14, 10**18))

    def _swap(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        sold, bought = rng.sample(self._contracts.erc20, 2)
        paid, received = _amount(rng, sold), _amount(rng, bought)
        return self._contracts.exchange.swap(actor.address, sold, bought, paid, received)

    def _disperse(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token = self._token(rng)
        parts = [
            (self._actor(rng).address, _amount(rng, token))
            for _ in range(rng.randint(2, _LONGEST_BATCH))
        ]
        return self._contracts.disperser.disperse(actor.address, token, parts)

    def _pay_inside(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        payer, target, amount = self._contracts.payer, self._target(rng, actor), _payment(rng)
        chance = rng.random()
        if chance < 0.2:
            return payer.pay_by_library(target, amount)
        if chance < 0.4:
            return payer.pay_by_contract(target, amount, rng.getrandbits(256))
        if chance < 0.5:
            return payer.endow(rng.randrange(1, 2**32), amount)
        parts = [(self._actor(rng).address, _payment(rng)) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.3:
            parts.append((payer.refuser, amount))
            rng.shuffle(parts)
        if rng.random() < 0.1:
            parts.append((target, 0))
        return payer.pay_each(actor.address, parts)

    def _erc721_move(self, rng: Random, actor: Actor, ledger: Ledger) -> Call:
        """Transfer or burn a token; mint one if chance finds none that has an owner."""
        token: Erc721 = rng.choice(self._contracts.erc721)
        for _ in range(_SEARCHES):
            token_id = rng.randint(1, ledger.highest_token(token.address) + 1)
            owner = ledger.owner(token.address, token_id)
            if owner == ZERO_ADDRESS:
                continue
            if rng.random() < 0.3:
                return token.burn(owner, token_id)
            return token.transfer_from(owner, self._target(rng, actor), token_id)
        return self._erc721_mint(rng, actor, ledger)

    def _erc721_mint(self, rng: Random, actor: Actor, ledger: Ledger) -> Call:
        token = rng.choice(self._contracts.erc721)
        token_id = ledger.highest_token(token.address) + 1
        return token.mint(self._target(rng, actor), token_id)

    def _erc1155_single(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token, owner = rng.choice(self._contracts.erc1155), self._owner(rng, actor)
        target = self._target(rng, actor)
        return token.transfer(actor.address, owner, target, *_item(rng))

    def _erc1155_batch(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token, owner = rng.choice(self._contracts.erc1155), self._owner(rng, actor)
        items = [_item(rng) for _ in range(rng.randint(0, _LONGEST_BATCH))]
        return token.transfer_batch(actor.address, owner, self._target(rng, actor), items)

    def _erc1155_supply(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        token: Erc1155 = rng.choice(self._contracts.erc1155)
        if rng.random() < 0.5:
            return token.burn(actor.address, *_item(rng))
        return token.mint(actor.address, self._target(rng, actor), *_item(rng))

    def _owner(self, rng: Random, actor: Actor) -> Address:
        """Whose tokens move: mostly the actor's, else somebody's who approved the actor."""
        return actor.address if rng.random() < 0.8 else self._actor(rng).address

    def _create(self, rng: Random, actor: Actor, ledger: Ledger) -> Call:
        created = created_address(actor.address, ledger.nonce(actor.address))
        code = rng.randbytes(rng.randint(100, 400))
        if rng.random() < 0.4:
            return token_creation(created, actor.address, code, rng.randrange(10**18, 10**27))
        value = rng.randrange(10**15, 10**18) if rng.random() < 0.5 else 0
        return empty_creation(created, actor.address, code, value)

    def _lookalike(self, rng: Random, actor: Actor, _: Ledger) -> Call:
        if rng.random() < 0.5:
            return self._contracts.beacon.ping(rng.randbytes(rng.randrange(100)))
        token_id = rng.randrange(1, 10**6)
        return self._contracts.kitties.transfer(actor.address, self._target(rng, actor), token_id)


def _amount(rng: Random, token: Erc20) -> int:
    """Up to 100,000 whole tokens, often a round number, at times nothing."""
    if rng.random() < _ZERO_AMOUNT:
        return 0
    unit = 10**token.decimals
    return rng.randint(1, 1000) * unit if rng.random() < 0.5 else rng.randint(1, 10**5 * unit)


def _payment(rng: Random) -> int:
    return rng.randrange(10**14, 10**18)


def _item(rng: Random) -> tuple[int, int]:
    """Token id and amount; some ids need all 256 bits, as those do that carry a type in front."""
    token_id = rng.randint(1, _TOKEN_KINDS)
    if token_id > _TOKEN_KINDS // 2:
        token_id |= 1 << 255
    return token_id, rng.randint(1, 1000)

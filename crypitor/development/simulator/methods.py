"""The JSON-RPC methods of a simulated node.

Source: execution-apis; go-ethereum where they are silent.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self, TypeAlias

import msgspec

import crypitor
from crypitor.development.simulator.access_lists import access_list
from crypitor.development.simulator.blocks import SimulatedBlock
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.documents import (
    Document,
    block_document,
    log_document,
    receipt_document,
    transaction_document,
)
from crypitor.development.simulator.params import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    NOT_FOUND,
    REVERTED,
    SERVER_ERROR,
    LogFilter,
    RpcError,
    is_hash,
    read_address,
    read_data,
    read_hash,
    read_object,
    read_quantity,
)
from crypitor.development.simulator.state import FIRST_TOKENS, State
from crypitor.development.simulator.tokens import Erc20, Erc721, Erc1155
from crypitor.development.simulator.traces import frame_documents, trace_documents
from crypitor.development.simulator.views import Shown
from crypitor.evm.abi import decode_call, encode, parse_function
from crypitor.evm.multicall import GET_ETH_BALANCE, MULTICALL3
from crypitor.evm.types import Address

_AGGREGATE = parse_function("aggregate3((address target, bool allowFailure, bytes callData)[])")
_RESULTS = parse_function("returned((bool success, bytes returnData)[] results)")
_CACHED_DOCUMENTS = 512
_CALL_TRACER = "callTracer"

Answer: TypeAlias = Any
"""Whatever msgspec encodes; msgspec.Raw where it is encoded already."""


class Methods:
    """Answers for one chain. Documents of whole blocks are encoded once and kept for a while."""

    def __init__(self, chain: SimulatedChain) -> None:
        self._chain: Shown = chain
        self._encoded: dict[tuple[str, str], msgspec.Raw] = {}
        self._state = State(chain.by_hash)
        self._tokens = {token.address: token for token in chain.contracts.tokens}
        self._state_blocks = chain.state_blocks
        self._multicall = chain.multicall
        self._access_lists = chain.access_lists
        self._metadata = {token.address: token.metadata() for token in chain.contracts.tokens}
        self._people = {actor.address for actor in chain.actors}

    def seeing(self, chain: Shown) -> Self:
        """Return the same methods over another view of the chain."""
        other = copy.copy(self)
        other._chain = chain  # noqa: SLF001 - its own kind
        return other

    def answer(self, method: str, params: list[Any]) -> Answer:
        """Return the result. Raises RpcError."""
        if method not in self._methods:
            message = f"the method {method} does not exist/is not available"
            raise RpcError(METHOD_NOT_FOUND, message)
        function, fewest, most = self._methods[method]
        if len(params) < fewest:
            raise RpcError(INVALID_PARAMS, f"missing value for required argument {len(params)}")
        if len(params) > most:
            raise RpcError(INVALID_PARAMS, f"too many arguments, want at most {most}")
        return function(self, *params)

    def _chain_id(self) -> str:
        return hex(self._chain.chain_id)

    def _net_version(self) -> str:
        return str(self._chain.chain_id)

    def _client_version(self) -> str:
        return f"crypitor-simulator/v{crypitor.__version__}"

    def _syncing(self) -> bool:
        return False

    def _block_number(self) -> str:
        return hex(self._chain.head.number)

    def _block_by_number(self, number: Any, full: Any = False) -> Answer:
        return self._block(self._at(number), full)

    def _block_by_hash(self, block_hash: Any, full: Any = False) -> Answer:
        return self._block(self._chain.by_hash(read_hash(block_hash)), full)

    def _block(self, block: SimulatedBlock | None, full: Any) -> Answer:
        if not isinstance(full, bool):
            raise RpcError(INVALID_PARAMS, "invalid argument 1: not a boolean")
        if block is None:
            return None
        part = "full" if full else "hashes"
        return self._once(part, block, lambda: block_document(block, full=full))

    def _block_receipts(self, reference: Any) -> Answer:
        """reference: a number, a tag, a hash, or an object with one of the first and the last."""
        block = self._referred(reference)
        if block is None:
            return None
        return self._once(
            "receipts",
            block,
            lambda: [receipt_document(block, mined) for mined in block.receipts],
        )

    def _access_list(self, reference: Any) -> Answer:
        block = self._referred(reference)
        if block is None:
            return None
        if not self._access_lists:  # as of a block before Amsterdam
            raise RpcError(NOT_FOUND, "Resource not found")
        return self._once("access list", block, lambda: access_list(block, self._state))

    def _transaction_by_hash(self, transaction_hash: Any) -> Answer:
        found = self._chain.transaction(read_hash(transaction_hash))
        return transaction_document(*found) if found else None

    def _transaction_receipt(self, transaction_hash: Any) -> Answer:
        found = self._chain.transaction(read_hash(transaction_hash))
        return receipt_document(*found) if found and found[1].has_receipt else None

    def _logs(self, query: Any) -> list[Document]:
        wanted = LogFilter(read_object(query))
        return [
            log_document(block, mined, place)
            for block in self._range(query)
            for mined in block.transactions
            for place, event in enumerate(mined.events)
            if wanted.accepts(event)
        ]

    def _range(self, query: Document) -> Iterator[SimulatedBlock]:
        if query.get("blockHash") is not None:
            if query.get("fromBlock") is not None or query.get("toBlock") is not None:
                raise RpcError(INVALID_PARAMS, "blockHash excludes fromBlock and toBlock")
            block = self._chain.by_hash(read_hash(query["blockHash"]))
            if block is None:
                raise RpcError(SERVER_ERROR, "unknown block")
            yield block
            return
        first = self._height(query.get("fromBlock") or "latest")
        last = self._height(query.get("toBlock") or "latest")
        if first > last:
            raise RpcError(INVALID_PARAMS, "invalid block range params")
        for number in range(first, min(last, self._chain.head.number) + 1):
            block = self._chain.by_number(number)
            if block is not None:
                yield block

    def _call(self, request: Any, reference: Any = "latest", _overrides: Any = None) -> str:
        """The views of tokens. An actor's address has no code, and a call to it returns nothing."""
        request = read_object(request)
        block = self._with_state(reference)
        to = read_address(request.get("to"))
        data = read_data(request.get("input", request.get("data", "0x")))
        returned = self._returned(block, to, data)
        if returned is None:
            raise RpcError(REVERTED, "execution reverted", "0x")
        return "0x" + returned.hex()

    def _returned(self, block: SimulatedBlock, to: Address, data: bytes) -> bytes | None:
        """Return what a contract returns, None where it reverts."""
        if to == MULTICALL3 and self._multicall:
            return self._aggregated(block, data)
        if to in self._people or to == MULTICALL3:
            return b""
        token = self._tokens.get(to)
        words = [int.from_bytes(data[at : at + 32]) for at in range(4, len(data), 32)]
        match token, data[:4].hex(), words:
            case (Erc20(), "70a08231", [account]):
                return self._holding(block, account, to, None, FIRST_TOKENS)
            case (Erc721(), "70a08231", [account]):
                return self._holding(block, account, to, None, 0)
            case (Erc1155(), "00fdd58e", [account, token_id]):
                return self._holding(block, account, to, token_id, FIRST_TOKENS)
        return self._metadata.get(to, {}).get(data[:4])

    def _holding(
        self, block: SimulatedBlock, account: int, to: Address, token_id: int | None, first: int
    ) -> bytes:
        had = self._state.balance(block, f"0x{account:040x}", to, token_id, first)
        return had.to_bytes(32)

    def _aggregated(self, block: SimulatedBlock, data: bytes) -> bytes | None:
        """`aggregate3` of Multicall3, and its `getEthBalance`."""
        if data[:4].hex() == GET_ETH_BALANCE[2:]:
            return self._state.balance(block, "0x" + data[16:36].hex()).to_bytes(32)
        args = decode_call(_AGGREGATE, "0x" + data.hex())
        if args is None:
            return None
        results: list[tuple[bool, bytes]] = []
        for target, allowed, inner in args[0]:
            returned = self._returned(block, target, bytes.fromhex(inner[2:]))
            if returned is None and not allowed:
                return None
            results.append((returned is not None, returned or b""))
        given = [[ok, "0x" + found.hex()] for ok, found in results]
        return bytes.fromhex(encode(_RESULTS.arguments, [given]))

    def _balance(self, account: Any, reference: Any = "latest") -> str:
        return hex(self._state.balance(self._with_state(reference), read_address(account)))

    def _with_state(self, reference: Any) -> SimulatedBlock:
        """The block of a number, a tag or a hash (EIP-1898), whose state the node still has."""
        block = self._referred(reference)
        if block is None:
            raise RpcError(SERVER_ERROR, "header for hash not found")
        depth = self._chain.head.number - block.number
        if self._state_blocks is not None and depth >= self._state_blocks:
            raise RpcError(SERVER_ERROR, f"missing trie node {block.hash[2:]} (path ) state")
        return block

    def _debug_trace_by_hash(self, block_hash: Any, options: Any = None) -> Answer:
        return self._frames(self._chain.by_hash(read_hash(block_hash)), options)

    def _debug_trace_by_number(self, number: Any, options: Any = None) -> Answer:
        return self._frames(self._at(number), options)

    def _frames(self, block: SimulatedBlock | None, options: Any) -> Answer:
        if read_object(options or {}).get("tracer") != _CALL_TRACER:
            raise RpcError(INVALID_PARAMS, f"no tracer but {_CALL_TRACER}")
        if block is None:
            raise RpcError(SERVER_ERROR, "block not found")
        return self._once("frames", block, lambda: frame_documents(block))

    def _trace_block(self, number: Any) -> Answer:
        block = self._at(number)
        if block is None:
            return None
        return self._once("traces", block, lambda: trace_documents(block))

    def _referred(self, reference: Any) -> SimulatedBlock | None:
        """The block of a number, a tag or a hash, or of an object with one of these (EIP-1898)."""
        if isinstance(reference, dict):
            reference = reference.get("blockHash", reference.get("blockNumber"))
        if is_hash(reference):
            return self._chain.by_hash(read_hash(reference))
        return self._at(reference)

    def _at(self, reference: Any) -> SimulatedBlock | None:
        return self._chain.by_number(self._height(reference))

    def _height(self, reference: Any) -> int:
        """The number that a quantity or a tag names."""
        match reference:
            case "latest" | "pending":
                return self._chain.head.number
            case "safe":
                return self._chain.safe.number
            case "finalized":
                return self._chain.finalized.number
            case "earliest":
                return 0
        return read_quantity(reference)

    def _once(
        self, part: str, block: SimulatedBlock, document: Callable[[], Answer]
    ) -> msgspec.Raw:
        key = (part, block.hash)
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = msgspec.Raw(msgspec.json.encode(document()))
            if len(self._encoded) >= _CACHED_DOCUMENTS:
                del self._encoded[next(iter(self._encoded))]
            self._encoded[key] = encoded
        return encoded

    _methods: ClassVar[dict[str, tuple[Callable[..., Answer], int, int]]] = {
        "eth_chainId": (_chain_id, 0, 0),
        "net_version": (_net_version, 0, 0),
        "web3_clientVersion": (_client_version, 0, 0),
        "eth_syncing": (_syncing, 0, 0),
        "eth_blockNumber": (_block_number, 0, 0),
        "eth_getBlockByNumber": (_block_by_number, 1, 2),
        "eth_getBlockByHash": (_block_by_hash, 1, 2),
        "eth_getBlockReceipts": (_block_receipts, 1, 1),
        "eth_getBlockAccessList": (_access_list, 1, 1),
        "eth_getTransactionByHash": (_transaction_by_hash, 1, 1),
        "eth_getTransactionReceipt": (_transaction_receipt, 1, 1),
        "eth_getLogs": (_logs, 1, 1),
        "eth_call": (_call, 1, 3),
        "eth_getBalance": (_balance, 1, 2),
        "debug_traceBlockByHash": (_debug_trace_by_hash, 1, 2),
        "debug_traceBlockByNumber": (_debug_trace_by_number, 1, 2),
        "trace_block": (_trace_block, 1, 1),
    }
    """Name → method, fewest parameters, most."""

"""What can be wrong with a node: each seen with real ones, or the worst that could be."""

from enum import StrEnum


class Fault(StrEnum):
    """A way for a node to fail or to lie. Each is drawn anew for every request."""

    # The backend that answers is another one
    LAG = "lag"
    HEAD_BACK = "head_back"
    OLD_BRANCH = "old_branch"
    FOREIGN_CHAIN = "foreign_chain"
    WRONG_CHAIN_ID = "wrong_chain_id"
    # Something is not there
    NULL_BLOCK = "null_block"
    NULL_RECEIPTS = "null_receipts"
    NO_RECEIPTS_METHOD = "no_receipts_method"
    ERROR = "error"
    MISSING_ANSWER = "missing_answer"
    MISSING_RECEIPT = "missing_receipt"
    # Something is not true
    EMPTY_LOGS = "empty_logs"
    DROP_LOG = "drop_log"
    CUT_LAST_TX = "cut_last_tx"
    SWAPPED_LOGS = "swapped_logs"
    CHANGED_TOPIC = "changed_topic"
    CHANGED_DATA = "changed_data"
    FLIPPED_STATUS = "flipped_status"
    FOREIGN_RECEIPT = "foreign_receipt"
    FOREIGN_RECEIPTS = "foreign_receipts"
    # It takes less, or answers otherwise, than others
    SMALL_BATCHES = "small_batches"
    NO_BULK_RECEIPTS = "no_bulk_receipts"
    EMPTY_RECEIPTS = "empty_receipts"
    ERROR_ABOVE_HEAD = "error_above_head"
    # Unusual, and right
    OUT_OF_ORDER = "out_of_order"
    CHECKSUM_CASE = "checksum_case"
    PADDED = "padded"
    EMPTY_ADDRESSES = "empty_addresses"
    MILLISECONDS = "milliseconds"
    SLOW = "slow"
    # There is no answer, or none that can be read
    ERROR_BODY = "error_body"
    HTTP_429 = "http_429"
    HTTP_503 = "http_503"
    BAD_JSON = "bad_json"
    TRUNCATED = "truncated"
    DISCONNECT = "disconnect"
    HANG = "hang"
    LOST_HEADS = "lost_heads"


MEANING: dict[Fault, str] = {
    Fault.LAG: "a backend answers that is 1 to 5 blocks behind",
    Fault.HEAD_BACK: "its tags are 1 to 20 blocks back, though it has the blocks",
    Fault.OLD_BRANCH: "a backend answers that has not seen the last reorg",
    Fault.FOREIGN_CHAIN: "a backend of another chain answers",
    Fault.WRONG_CHAIN_ID: "eth_chainId is another chain's",
    Fault.NULL_BLOCK: "null for a block",
    Fault.NULL_RECEIPTS: "null for receipts",
    Fault.NO_RECEIPTS_METHOD: "it does not know eth_getBlockReceipts",
    Fault.ERROR: "one call of the request gets an error: header not found",
    Fault.MISSING_ANSWER: "a batch comes back without one of its answers",
    Fault.MISSING_RECEIPT: "one receipt of the block is left out",
    Fault.EMPTY_LOGS: "all logs of the block are left out",
    Fault.DROP_LOG: "one log is left out",
    Fault.CUT_LAST_TX: "the logs of the last transaction that has some are left out",
    Fault.SWAPPED_LOGS: "two logs have changed places",
    Fault.CHANGED_TOPIC: "a topic of a log is another",
    Fault.CHANGED_DATA: "the data of a log are others",
    Fault.FLIPPED_STATUS: "a transaction that failed is shown as done, or the other way round",
    Fault.FOREIGN_RECEIPT: "one receipt is that of a transaction of another block",
    Fault.FOREIGN_RECEIPTS: "the receipts are those of the block before",
    Fault.SMALL_BATCHES: "a request of more than two calls gets an error for each",
    Fault.NO_BULK_RECEIPTS: "eth_getBlockReceipts is refused, in words of its own",
    Fault.EMPTY_RECEIPTS: "eth_getBlockReceipts gives an empty list",
    Fault.ERROR_ABOVE_HEAD: "an error, in place of null, for a block that is not there",
    Fault.OUT_OF_ORDER: "a batch comes back in another order",
    Fault.CHECKSUM_CASE: "addresses carry a checksum, hashes are in upper case",
    Fault.PADDED: "quantities have leading zeros",
    Fault.EMPTY_ADDRESSES: "an empty text stands in place of an address that is null",
    Fault.MILLISECONDS: "timestamps are in milliseconds",
    Fault.SLOW: "the answer takes 50 ms longer",
    Fault.ERROR_BODY: "HTTP 200 with a single error for the whole request",
    Fault.HTTP_429: "HTTP 429 with Retry-After: 1",
    Fault.HTTP_503: "HTTP 503",
    Fault.BAD_JSON: "HTTP 200 with HTML",
    Fault.TRUNCATED: "the answer ends in its middle",
    Fault.DISCONNECT: "the connection is closed without an answer",
    Fault.HANG: "no answer ever comes",
    Fault.LOST_HEADS: "newHeads does not tell of a new head",
}
"""Fault → what the node does, for people."""

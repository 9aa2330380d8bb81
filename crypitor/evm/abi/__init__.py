"""Signatures of events and functions, and the logs and calls that are decoded by them."""

from collections.abc import Mapping
from typing import Any

from crypitor.evm.abi.decode import (
    CallDecoder,
    LogDecoder,
    Values,
    call_decoder,
    decode_call,
    decode_log,
    log_decoder,
    result_decoder,
)
from crypitor.evm.abi.encode import EncodingError, encode
from crypitor.evm.abi.fragment import (
    event_from_fragment,
    function_from_fragment,
    read_fragment,
)
from crypitor.evm.abi.plain import to_json
from crypitor.evm.abi.signature import SignatureError, event_from_text, function_from_text
from crypitor.evm.abi.types import Argument, Event, Function, Type, canonical, types_in

__all__ = [
    "Argument",
    "CallDecoder",
    "EncodingError",
    "Event",
    "Function",
    "LogDecoder",
    "SignatureError",
    "Type",
    "Values",
    "call_decoder",
    "canonical",
    "decode_call",
    "decode_log",
    "encode",
    "log_decoder",
    "parse_event",
    "parse_function",
    "result_decoder",
    "to_json",
    "types_in",
]


def parse_event(signature: str | Mapping[str, Any]) -> Event:
    """Return the event of a human-readable signature, or of a JSON ABI fragment or its text.

    Raises SignatureError with a sentence for the user.
    """
    if isinstance(signature, str) and not signature.lstrip().startswith(("{", "[")):
        return event_from_text(signature)
    return event_from_fragment(
        read_fragment(signature) if isinstance(signature, str) else signature
    )


def parse_function(signature: str | Mapping[str, Any]) -> Function:
    """Return the function of a human-readable signature, or of a JSON ABI fragment or its text.

    Raises SignatureError with a sentence for the user.
    """
    if isinstance(signature, str) and not signature.lstrip().startswith(("{", "[")):
        return function_from_text(signature)
    return function_from_fragment(
        read_fragment(signature) if isinstance(signature, str) else signature
    )

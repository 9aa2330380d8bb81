"""Parts of several bodies."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from crypitor.api.serving.entries import LONGEST_LABEL, address_of, entry_of
from crypitor.api.serving.wrong import few
from crypitor.evm.types import Address

LAST_BLOCK = 2**53 - 1

ADDRESS_PATTERN = "^0[xX]([0-9a-f]{40}|[0-9A-F]{40})$"
_ADDRESS_WORDS = "0x and 40 hex digits; mixed case only with a true EIP-55 checksum"
LINE = r"^[^\x00-\x1f\x7f]*$"


_ADDRESS_SCHEMA = {"type": "string", "pattern": ADDRESS_PATTERN, "description": _ADDRESS_WORDS}
AddressText: TypeAlias = Annotated[
    Address, PlainValidator(few(address_of)), WithJsonSchema(_ADDRESS_SCHEMA)
]
Entry: TypeAlias = Annotated[
    tuple[Address, str | None],
    PlainValidator(few(entry_of)),
    WithJsonSchema(
        {
            "oneOf": [
                _ADDRESS_SCHEMA,
                {
                    "type": "object",
                    "properties": {
                        "address": _ADDRESS_SCHEMA,
                        "label": {
                            "type": ["string", "null"],
                            "maxLength": LONGEST_LABEL,
                            "pattern": LINE,
                        },
                    },
                    "required": ["address"],
                    "additionalProperties": False,
                },
            ],
        }
    ),
]
AddressEntry = TypeAliasType("AddressEntry", Entry)
Height: TypeAlias = Annotated[int, Field(ge=0, le=LAST_BLOCK)]
Line: TypeAlias = Annotated[str, Field(pattern=LINE)]


class Body(BaseModel):
    """A JSON object without unknown members, of which nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)

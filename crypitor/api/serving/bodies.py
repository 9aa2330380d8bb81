"""Parts of several bodies."""

from typing import Annotated, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from crypitor.api.serving.entries import LONGEST_LABEL, address_of, entry_of
from crypitor.api.serving.wrong import few
from crypitor.evm.types import Address

LAST_BLOCK = 2**53 - 1

ADDRESS_PATTERN = "^0[xX]([0-9a-f]{40}|[0-9A-F]{40})$"
_ADDRESS_WORDS = "0x and 40 hex digits; mixed case only with a true EIP-55 checksum"
LINE = r"^[^\x00-\x1f\x7f]*$"


def whole(value: object) -> object:
    """Return 7 for 7.0, which is an integer in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
Height: TypeAlias = Annotated[int, Field(ge=0, le=LAST_BLOCK), BeforeValidator(whole)]
Line: TypeAlias = Annotated[str, Field(pattern=LINE)]


class Body(BaseModel):
    """A JSON object without unknown members, of which nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _integers(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        integers = {
            name: whole(value)
            for name, value in given.items()
            if isinstance(value, float) and _takes_integers(cls.model_fields.get(name))
        }
        return {**given, **integers} if integers else given


def _takes_integers(field: FieldInfo | None) -> bool:
    return field is not None and int in (get_args(field.annotation) or (field.annotation,))

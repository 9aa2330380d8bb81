"""Forms as browsers send them, read within bounds: by us, as a library would let the sender choose.

Of a charset it takes any codec of the interpreter, of which some are quadratic, and of parts of a
form it makes files.
"""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from multidict import MultiDict

from crypitor.errors import Invalid, TooLarge

PLAIN = "application/x-www-form-urlencoded"
MIXED = "multipart/form-data"
MOST_FIELDS = 1_000
MOST_PARTS = 20
AT_ONCE_BYTES = 16 * 1024
"""What is longer is taken apart in a thread, and every name and value of it let go there."""


async def read_form(request: web.Request, most_bytes: int) -> MultiDict[str]:
    """Return the fields of a form; names may come again. Raises Invalid and TooLarge."""
    if request.body_exists and request.content_type != PLAIN:
        raise Invalid(f"a form is sent as {PLAIN}")
    if (request.content_length or 0) > most_bytes:
        raise TooLarge(f"this form is longer than {most_bytes} bytes")
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most_bytes:
            raise TooLarge(f"this form is longer than {most_bytes} bytes")
    if len(body) <= AT_ONCE_BYTES:
        return fields_of(bytes(body))
    return await asyncio.to_thread(fields_of, bytes(body))


def fields_of(body: bytes) -> MultiDict[str]:
    """Return the fields of a plain form. Raises Invalid."""
    try:
        pairs = parse_qsl(
            body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise Invalid(f"a form has at most {MOST_FIELDS} fields") from error
    return MultiDict(pairs)


async def parts_of(request: web.Request) -> AsyncIterator[BodyPartReader]:
    """Yield the parts of a form with files, each to be read before the next. Raises Invalid."""
    if request.content_type != MIXED:
        raise Invalid("this form has to be sent with its file")
    count = 0
    try:
        async for part in await request.multipart():
            count += 1
            if count > MOST_PARTS or not isinstance(part, BodyPartReader):
                raise Invalid(f"this form has at most {MOST_PARTS} parts, and none within another")
            yield part
    except (ValueError, web.HTTPException) as error:
        raise Invalid("the parts of this form cannot be told from each other") from error

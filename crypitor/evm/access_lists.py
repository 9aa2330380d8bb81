"""Block access lists (EIP-7928): which accounts a block changed, as a node lists them.

Source: EIP-7928; execution-apis, `eth_getBlockAccessList` and the schema `BlockAccessList`.
"""

import msgspec

from crypitor.evm.types import Address

_NOTHING = (b"", b"[]", b"null")


class _Account(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a block did to an account. A list is empty, or left out, where it did nothing."""

    address: str
    storage_changes: msgspec.Raw = msgspec.Raw()
    balance_changes: msgspec.Raw = msgspec.Raw()
    nonce_changes: msgspec.Raw = msgspec.Raw()
    code_changes: msgspec.Raw = msgspec.Raw()

    def is_changed(self) -> bool:
        """Whether anything of it is another than before; what was only read is not."""
        changes = (
            self.balance_changes, self.storage_changes, self.nonce_changes, self.code_changes,
        )  # fmt: skip
        return any(bytes(memoryview(change)[:4]) not in _NOTHING for change in changes)


_lists = msgspec.json.Decoder(tuple[_Account, ...])


def changed_accounts(served: msgspec.Raw | bytes) -> frozenset[Address]:
    """Return the accounts that a block changed. served: JSON of the list.

    Raises msgspec.MsgspecError for what is no such list.
    """
    return frozenset(one.address.lower() for one in _lists.decode(served) if one.is_changed())

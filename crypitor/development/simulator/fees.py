"""What gas costs from one block to the next: EIP-1559, 4844 and 7691. Pure."""

GENESIS_BASE_FEE = 10**9  # EIP-1559, INITIAL_BASE_FEE
_ELASTICITY = 2  # EIP-1559
_LARGEST_CHANGE = 8  # EIP-1559, BASE_FEE_MAX_CHANGE_DENOMINATOR
_TARGET_BLOBS = 6  # EIP-7691
_LEAST_BLOB_FEE = 1  # EIP-4844, MIN_BASE_FEE_PER_BLOB_GAS
_BLOB_FEE_FRACTION = 5_007_716  # EIP-7691, BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE
GAS_PER_BLOB = 2**17  # EIP-4844
MOST_BLOBS = 9  # EIP-7691


def base_fee_after(fee: int, used: int, limit: int) -> int:
    """Return the next block's base fee in wei. used, limit: gas of this one."""
    target = limit // _ELASTICITY
    if used == target:
        return fee
    if used > target:
        return fee + max(fee * (used - target) // target // _LARGEST_CHANGE, 1)
    return fee - fee * (target - used) // target // _LARGEST_CHANGE


def excess_after(excess: int, used: int) -> int:
    """Return the blob gas that is carried over to the next block."""
    return max(excess + used - _TARGET_BLOBS * GAS_PER_BLOB, 0)


def blob_fee_at(excess: int) -> int:
    """Return what a unit of blob gas costs in wei at this excess: EIP-4844's `fake_exponential`."""
    total, term, step = 0, _LEAST_BLOB_FEE * _BLOB_FEE_FRACTION, 1
    while term > 0:
        total += term
        term = term * excess // (_BLOB_FEE_FRACTION * step)
        step += 1
    return total // _BLOB_FEE_FRACTION

from crypitor.evm.metadata import Token
from crypitor.monitor.tokens import Kept, Tokens

USDC = Token("USD Coin", "USDC", 6)


def test_what_is_kept_is_known_while_it_is_good():
    """
    News counts until its time is over, and only on its network.
    """
    tokens = Tokens()
    tokens.keep("ethereum", {"0xa": Kept(USDC, 100)})

    assert tokens.known("ethereum", ["0xa", "0xb"], 99) == {"0xa": USDC}
    assert tokens.known("ethereum", ["0xa"], 100) == {}
    assert tokens.known("base", ["0xa"], 0) == {}


def test_what_is_being_looked_up_is_not_kept():
    """
    Otherwise the answer would not be seen.
    """
    tokens = Tokens()
    tokens.keep("ethereum", {"0xa": Kept(USDC, None)})

    assert len(tokens) == 0


def test_those_used_last_stay():
    """
    Spam that sends a token from each of a million contracts takes no more memory than this.
    """
    tokens = Tokens(most=2)
    tokens.keep("ethereum", {"0xa": Kept(USDC, 9), "0xb": Kept(USDC, 9)})
    tokens.known("ethereum", ["0xa"], 0)
    tokens.keep("ethereum", {"0xc": Kept(USDC, 9)})

    assert tokens.known("ethereum", ["0xa", "0xb", "0xc"], 0).keys() == {"0xa", "0xc"}

"""Nodes of chains with heights that have no block, or with a parent that is wrong for good."""

from tests.worker.faulty import FaultyNode, altered

BY_NUMBER = ("eth_getBlockByNumber", "eth_getBlockReceipts")


def missing(is_missing, error=None):
    """An `alter` of a node that has nothing at some heights: null, or an error with these words."""

    def alter(asked, answers):
        for request, answer in zip(asked, answers, strict=True):
            place = request["params"][0] if request["params"] else ""
            if request["method"] not in BY_NUMBER or not str(place).startswith("0x"):
                continue
            if is_missing(int(place, 16)):
                answer.pop("error", None)
                answer["result"] = None
                if error is not None:
                    del answer["result"]
                    answer["error"] = {"code": -32000, "message": error}

    return alter


def with_holes(holes):
    """Return what moves heights of a chain that has no block at some of them: down, and up again.

    Those above them are higher up. Hashes stay: nothing proves a block's height by its hash.
    """

    def up(number):
        for hole in sorted(holes):
            number += hole <= number
        return number

    def down(height):
        return height - sum(hole < height for hole in holes)

    def rise(value):
        if isinstance(value, dict):
            for name in ("number", "blockNumber"):
                if isinstance(value.get(name), str):
                    value[name] = hex(up(int(value[name], 16)))
            for one in value.values():
                rise(one)
        elif isinstance(value, list):
            for one in value:
                rise(one)

    return down, rise


class HoledNode(FaultyNode):
    """A node of a chain with null rounds: it asks the one before it for other heights."""

    holes = frozenset()
    words = None

    async def _ask(self, asked):
        down, rise = with_holes(self.holes)
        moved = [{**one, "params": _moved(one["method"], one["params"], down)} for one in asked]
        answers = await super()._ask(moved)
        for answer in answers:
            rise(answer.get("result"))
        missing(self.holes.__contains__, self.words)(asked, answers)
        return answers


def _moved(method, params, down):
    def lower(place):
        return hex(down(int(place, 16))) if place.startswith("0x") else place

    if method in BY_NUMBER:
        return [lower(params[0]), *params[1:]]
    if method == "eth_getLogs" and "fromBlock" in params[0]:
        places = {name: lower(params[0][name]) for name in ("fromBlock", "toBlock")}
        return [{**params[0], **places}]
    return params


def heights(count, holes):
    """Return the first heights with a block, of a chain with holes."""
    return [number for number in range(count + len(holes)) if number not in holes][:count]


WRONG = "0x" + "ee" * 32


def broken_at(number, parent=WRONG):
    """An `alter` of a chain in which one block names a parent that does not exist, or another."""

    def change(_, answer):
        found = answer.get("result")
        if found and int(found["number"], 16) == number:
            found["parentHash"] = parent

    def alter(asked, answers):
        altered("eth_getBlockByNumber", change)(asked, answers)
        altered("eth_getBlockByHash", change)(asked, answers)

    return alter

"""Ports that webhooks may be sent to. Pure."""

from collections.abc import Sequence

from crypitor.errors import Invalid

Range = tuple[int, int]
"""The first and the last of some ports."""

# https://fetch.spec.whatwg.org/#port-blocking, which browsers follow for the same reason: whoever
# listens there may take lines of a request for commands. And what else speaks no HTTP and is often
# found inside: file shares, directories, brokers and databases.
_OF_BROWSERS = """
    0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113
    115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554
    556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665
    6666 6667 6668 6669 6679 6697 10080
"""
_OF_SERVERS = """
    88 445 464 593 873 1433 1434 1521 1883 2181 3268 3269 3306 3389 5432 5433 5671 5672 5900 6379
    6380 6432 8883 9042 9092 11211 26379 27017 27018 27019
"""
NOT_HTTP = frozenset(map(int, (_OF_BROWSERS + _OF_SERVERS).split()))


class Ports:
    """Which may be called. ranges: all of them; none for every port but NOT_HTTP."""

    def __init__(self, ranges: Sequence[Range] = ()) -> None:
        self._ranges = tuple(ranges)

    def check(self, port: int) -> None:
        """Raise Invalid for a port that is not to be called."""
        if self._ranges:
            if not any(first <= port <= last for first, last in self._ranges):
                raise Invalid(f"port {port} is not one that webhooks may go to (webhook.ports)")
        elif port in NOT_HTTP:
            raise Invalid(f"port {port} is not for HTTP (see webhook.ports)")

"""The limit on calls to one node."""

from crypitor.worker.limit import Limit


class Time:
    """A clock, and a sleep that lets it pass."""

    now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


async def test_lets_no_more_through_than_allowed():
    """Over a long time calls come at the given rate, after a first burst of one second's."""
    time = Time()
    limit = Limit(10, time, time.sleep)

    for _ in range(100):
        await limit.turn(3)

    assert 28 <= time.now - 100 <= 30


async def test_a_large_batch_makes_the_next_one_wait():
    """What exceeds a second's calls is sent, and paid for afterwards."""
    time = Time()
    limit = Limit(10, time, time.sleep)

    await limit.turn(50)
    sent = time.now
    await limit.turn(1)

    assert (sent, time.now) == (100.0, 104.0)


async def test_a_pause_saves_up_one_second():
    """However long nothing was asked, only one second's calls go at once."""
    time = Time()
    limit = Limit(10, time, time.sleep)
    await limit.turn(1)
    time.now += 3600

    started = time.now
    for _ in range(20):
        await limit.turn(1)

    assert 0.8 <= time.now - started <= 1.0


async def test_without_a_limit_nothing_waits():
    """None means that the node sets no limit."""
    time = Time()
    limit = Limit(None, time, time.sleep)

    for _ in range(1000):
        await limit.turn(50)

    assert time.now == 100.0

"""A thread that waits for the interpreter beside a busy one has it soon."""

import subprocess
import sys

ASKED = """
import threading, time
from crypitor.process.opening import take_short_turns

def asked():
    "Ask again and again, as a connection's thread does; return in how many milliseconds, each."
    began = time.perf_counter()
    for _ in range(100):
        time.sleep(0)
    return (time.perf_counter() - began) * 10

def busy():
    while not done:
        pass

done = False
threading.Thread(target=busy).start()
before = asked()
take_short_turns()
after = asked()
done = True
print(before / after)
"""


def test_a_waiting_thread_has_its_turn_in_a_fraction_of_the_usual_time():
    """Beside a loop that is never idle; both in one process, one after the other."""
    told = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, check=True).stdout

    assert float(told) > 2

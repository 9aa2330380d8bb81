"""Secrets by their form, looked for in all that a run of the tests puts out.

What each service of a test has logged is looked through at its end, what a test has printed or
logged itself at the test's. Secrets without a form of their own are in test_canary.
"""

import re

ADMIN_KEY = "test-admin-key-of-the-rig-which-is-long"

SECRETS = re.compile(
    r"whsec_[A-Za-z0-9+/]{32,}={0,2}"  # signs
    r"|whsk_[A-Za-z0-9+/]{32,}={0,2}"
    r"|ke_[0-9a-z]{26}_[0-9A-Za-z]{49}"  # opens the API
    rf"|{ADMIN_KEY}"
)


def leaks(text: str) -> list[str]:
    """Return the lines that hold a secret."""
    return [line for line in text.splitlines() if SECRETS.search(line)]

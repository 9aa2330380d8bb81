"""What the product costs, measured with fixed seeds: `crypitor bench`, or `python -m bench`.

A bench is a module here with a function `bench(*, quick)` that returns its figures as one document
(see `figures`). Each runs in a process of its own, which knows nothing of what ran before.
"""

BENCHES = {
    "stages": "each stage of a block's way alone",
    "endtoend": "from the node's bytes to committed matches, on one core",
    "ratios": "the same beside two frozen references, which must find the same",
    "service": "what a whole process takes for a block while it catches up",
    "latency": "from a node's having a block to its first webhook",
    "growth": "a block and the memory as addresses, monitors, hits and chains grow",
    "day": "the memory after each of 24 hours of blocks, webhooks, reorgs and API calls",
    "pages": "pages of the dashboard beside few and many monitors, matches and deliveries",
    "rows": "blocks, claims and lists with few and many matches and deliveries stored and waiting",
    "holds": "how long one callback holds the event loop",
    "addresses": "a million addresses: adding, searching, removing, loading",
    "balances": "10,000 watched balances of which one in a hundred is touched in a block",
    "start": "from the start of the process to its being ready, with a million addresses",
    "kinds": "a block without hits with 10 and 10,000 monitors, for each kind of rule",
    "proof": "the proof of recorded blocks at each level",
    "lies": "how many lies about receipts each level of proof finds",
    "burst": "what one project feels of the deliveries of another that come in thousands",
    "api": "requests a second beside a bare answer; blocks beside clients that write, and readers",
    "fairness": "a project's first attempts, from the node's block on, beside another's 100,000",
    "dead": "live endpoints beside a thousand dead ones with long queues",
    "deliveries": "deliveries a second beside a bare client loop; claims before few and many rows",
    "traces": "a block and a request without traces, with them off, and with them on",
    "fleet": "1, 2 and 4 processes of each role beside Kafka and PostgreSQL (needs both)",
    "retention": "what comes and goes for years: the file's size, the steps, blocks beside them",
    "heads": "from a node's having a block to its being on the queue (needs anvil)",
}
"""Module → what it measures."""

"""A seeded chain, mined, forked and served over JSON-RPC as a node does: for demo, tests, bench."""

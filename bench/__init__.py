"""What the product costs, measured: one JSON document a run, fixed seeds, ratios within one run."""

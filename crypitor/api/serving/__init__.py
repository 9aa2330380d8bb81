"""What serves every resource: routing, calls, keys, errors, reading, paging, OpenAPI."""

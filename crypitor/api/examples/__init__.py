"""Examples for the OpenAPI document, by operationId; a test holds them against their schemas."""

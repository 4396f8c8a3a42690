"""The kind provider: detection only, so far."""

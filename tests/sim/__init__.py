"""The deterministic simulation: the whole gateway in a seeded world, on a clock that jumps."""

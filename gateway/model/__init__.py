"""The vocabulary: frames, readings, quantities, alerts, time. Data and pure functions; no I/O."""

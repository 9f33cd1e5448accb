"""Simulated devices for a care home, behind a simulated BlueZ on a D-Bus of its own.

Its encoders are written from the specifications and share no line with `drivers/` and `gateway/`, so
that a misunderstanding on one side cannot pass a test by being shared by the other.
"""

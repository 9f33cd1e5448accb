"""Devices with behaviour: what they send by themselves, and what somebody can do with them."""

"""Velgate: hears the devices of a care home and gets alerts to the people who answer them."""

__version__ = "0.1.0"

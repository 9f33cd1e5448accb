"""A radio address stands in no log and in no alert, whoever's error names it."""

from __future__ import annotations

import pytest
from bleak.exc import BleakDeviceNotFoundError, BleakError

from gateway.radio.saying import said

ADDRESS = "A4:C1:38:00:00:01"


@pytest.mark.parametrize(
    "error",
    [
        BleakDeviceNotFoundError(ADDRESS, f"Device with address {ADDRESS} was not found."),
        BleakError("no such object: /org/bluez/hci0/dev_A4_C1_38_00_00_01/service0010"),
        OSError(f"failed to discover services of {ADDRESS.lower()}"),
    ],
)
def test_an_error_names_no_device_by_its_address(error: Exception) -> None:
    """What is left says what failed."""
    text = said(error)
    assert "(address)" in text
    assert "38" not in text


def test_an_error_without_a_text_is_named_by_its_kind() -> None:
    """Such as a timeout."""
    assert said(TimeoutError()) == "TimeoutError"

"""Battery Service of the Bluetooth SIG: the level in percent, of any device that is connected to.

Source: Bluetooth SIG Battery Service 1.0 (0x180F), Battery Level (0x2A19): one byte, 0 to 100, the rest
reserved. The whole driver is a table of one field.
"""

from __future__ import annotations

from datetime import timedelta

from gateway.driver import Fields, GattDriver, Match, u8
from gateway.driver import quantities as q

driver = GattDriver(
    name="gatt-battery",
    version="1.0.0",
    models=("Battery Service 0x180F",),
    match=Match.service("180f"),
    read=("2a19",),  # notified only when it changes, which may be in a month
    poll_every=timedelta(hours=6),
    heard_every=timedelta(hours=6),
    decode=Fields(u8(q.battery)),
    companion=True,
)

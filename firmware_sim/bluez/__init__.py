"""`org.bluez` as bluetoothd 5.66 offers it, for clients that know nothing of a simulation."""

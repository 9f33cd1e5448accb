"""`velgate demo`: the whole thing on simulated devices, without configuration, root or hardware."""

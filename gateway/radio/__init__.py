"""Where frames come from: one file a source. Each reconnects for ever by itself and reports its health."""

"""Past frames and readings through rules that nobody lives with yet. Never inside the gateway's process."""

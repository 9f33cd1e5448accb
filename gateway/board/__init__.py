"""The staff page and the HTTP API."""

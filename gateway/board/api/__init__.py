"""The API of the board: one file a subject, each a list of endpoints."""

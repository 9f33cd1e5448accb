"""Encoders, one format a file, each written from its public specification."""

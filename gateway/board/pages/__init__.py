"""The staff page: files, forms that work without script, views."""

"""A small transformer that learns the characters of Python's standard library."""

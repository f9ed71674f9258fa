"""Programs that `test_distribution` runs in processes of their own.

Each takes the name of an optimizer and fails if its result is not that of one device.
"""

"""What is logged of an epoch and is another number each time."""

TIMES = ("seconds", "data_wait", "pictures_per_second")

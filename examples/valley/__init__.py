"""A narrow valley, and how optimizers go down it."""

"""Fruit: data, models and training for the examples."""

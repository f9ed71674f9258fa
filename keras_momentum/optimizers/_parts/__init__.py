"""The parts of an optimizer; each owns its state and knows nothing of the optimizer."""

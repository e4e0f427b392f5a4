"""This computer: what it is, and what disturbs a measurement on it."""

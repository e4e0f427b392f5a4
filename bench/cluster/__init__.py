"""Shards of an accuracy as tasks of a Ray cluster."""

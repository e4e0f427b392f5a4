"""Measure, store, compare, report."""

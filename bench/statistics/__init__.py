"""Intervals, tests and scores: numbers in, numbers out."""

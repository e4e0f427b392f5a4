"""Analyses and paired comparisons of stored predictions."""

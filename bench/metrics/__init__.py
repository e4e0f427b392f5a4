"""Scores of localization and detection: numbers in, numbers out."""

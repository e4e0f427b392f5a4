"""Folders of results as a whole: merged, checked, and passed on as one file."""

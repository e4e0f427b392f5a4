"""Cards and lists of models and datasets, and the check of printed numbers."""

"""Anybody's result files of localization and detection: read, scored by each rule, compared."""

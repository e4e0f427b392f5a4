"""Localization and detection: long videos through a network, to segments and boxes with scores."""

"""Probes of what a trained network sees: motion, order, or pictures."""

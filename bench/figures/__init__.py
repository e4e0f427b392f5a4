"""Figures of stored results by matplotlib, fit for papers and slides."""

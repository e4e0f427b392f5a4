"""Annotations with times and boxes, as their publishers write them."""

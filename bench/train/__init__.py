"""Training of a network by a recipe."""

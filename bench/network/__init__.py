"""A case's network: built, placed on its device, in its precision and mode."""

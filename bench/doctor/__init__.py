"""The doctor: the whole contract of a network, checked before a long run."""

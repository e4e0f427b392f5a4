"""MACs, FLOPs and bytes of a network, counted."""

"""A suite becomes cases; each case is measured in a process of its own and becomes a record."""

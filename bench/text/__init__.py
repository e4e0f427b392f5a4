"""Text for people: units, markup, terminals, errors of TOML files."""

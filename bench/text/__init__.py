"""Text for people: units, markup, errors of TOML files."""

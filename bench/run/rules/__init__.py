"""Rules on what people ask for: each returns why it can't be, with the cure, or None."""

"""Networks that say when an action happens: a head on the features of any backbone of the zoo."""

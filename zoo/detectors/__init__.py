"""Networks that say what the people in boxes do: a head on the feature map of a 3D backbone."""

"""What is wrong with somebody's copy of a dataset, found from its files before it is measured."""

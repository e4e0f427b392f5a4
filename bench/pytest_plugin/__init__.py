"""pytest's fixture `model_benchmark`."""

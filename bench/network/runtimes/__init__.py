"""Runtimes: libraries that execute a network outside of torch, behind one face."""

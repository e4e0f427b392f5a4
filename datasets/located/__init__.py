"""Datasets that say when something happens, or where: copies of them, in people's folders."""

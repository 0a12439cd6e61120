"""Broadcasts: the right words, once, to people who agreed, at a decent hour."""

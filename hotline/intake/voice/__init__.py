"""Calls: what is said, what is pressed, and what it tells."""

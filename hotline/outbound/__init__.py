"""Outbound: from a text we mean to send to what became of it."""

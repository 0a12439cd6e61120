"""Casework: what officers and contacts do with a case."""

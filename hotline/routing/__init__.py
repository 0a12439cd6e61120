"""Routing: who must know of a case, who must be told next when nobody answers."""

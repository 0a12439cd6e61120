"""Figures: how many reports there were, of what, where, what became of them; nothing by which anybody could be found."""

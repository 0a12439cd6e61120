"""The watch: what stands still and cannot move by itself, what must always hold, and who is told when it does not."""

"""Radio: shows that listeners answer, and the wall that keeps reports from them (docs/radio.md)."""

"""The dialled code: which screens there are, where an answer leads, what it tells. Pure; the door is hotline.hops."""

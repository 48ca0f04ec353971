"""Photographs as cartoon pictures: the White-box generator, its losses, and a plain stylizer."""

"""Attention maps: where in an image a text is seen, by one signature."""

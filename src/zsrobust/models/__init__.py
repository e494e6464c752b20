"""CLIP-like models: loading, saving, cards, pooled and patch features."""

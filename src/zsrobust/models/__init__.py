"""CLIP-like models: loading, saving, cards, and one forward that gives pooled and patch features."""

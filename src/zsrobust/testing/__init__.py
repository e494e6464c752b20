"""Tools for testing one's own attacks and objectives: a tiny random CLIP, the contracts."""

"""From pixels to zero-shot logits: resize, normalise, encode, cosine times the model's scale."""

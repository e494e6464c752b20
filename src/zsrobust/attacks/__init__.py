"""Attacks on any callable from pixels to logits; they know nothing of CLIP."""

"""What of a model is trained: the tower, a part of it, or something put beside it."""

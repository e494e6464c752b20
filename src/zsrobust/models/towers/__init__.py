"""Image towers by kind: each gives pooled and projected patch features, or says why it cannot."""

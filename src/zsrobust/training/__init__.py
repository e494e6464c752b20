"""From a recipe to a checkpoint: one fine-tuning loop for every objective."""

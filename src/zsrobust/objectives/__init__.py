"""What fine-tuning minimises; an objective knows nothing of the attack that made its batch."""

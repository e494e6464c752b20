"""What an attack did inside: clean against adversarial attention."""

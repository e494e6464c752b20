"""What joins the rooms: quickstart, fine-tuning."""

"""One row an image: records, where they are kept, and the numbers read off them. No torch."""

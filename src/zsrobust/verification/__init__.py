"""A finished run held to what it says: scored, attacked and counted again."""

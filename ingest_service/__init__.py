"""What the world publishes in; normalised articles out."""

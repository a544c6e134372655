"""Articles in; observations, positions and stance changes out."""

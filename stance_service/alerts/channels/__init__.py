"""Where notices are delivered to."""

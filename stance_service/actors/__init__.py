"""Who an article speaks of: name spans, the registry, and which names are one actor."""

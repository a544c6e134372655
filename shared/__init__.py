"""What both services share: events, ids, topics, broker clients, errors."""

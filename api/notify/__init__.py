"""The outbox: alerts on their way to people, at least once."""

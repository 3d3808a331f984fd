"""From the broker to the journal to the stores."""

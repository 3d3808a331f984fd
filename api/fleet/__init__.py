"""The fleet in one look: a compact table, what changed since, tonnes of the month, and tables to take away."""

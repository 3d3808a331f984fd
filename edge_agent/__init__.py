"""The agent on the unit: sources, conditioning, spool, two lanes."""

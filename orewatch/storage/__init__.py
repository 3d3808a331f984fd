"""Where telemetry rests: the journal, and the stores projected from it."""

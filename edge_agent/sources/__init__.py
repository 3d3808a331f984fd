"""Where samples come from: one class, one method each."""

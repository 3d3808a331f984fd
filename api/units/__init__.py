"""Units, their values, history and states, as resources."""

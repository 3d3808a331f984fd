"""Rules that turn states into alerts, once per episode, and their life afterwards."""

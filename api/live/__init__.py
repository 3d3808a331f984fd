"""The stream as it is now: windows of newest values, states, frames for the pages."""

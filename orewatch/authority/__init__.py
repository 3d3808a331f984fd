"""The centre's own authority: who may speak to the broker, and the secrets of its parts. Top of the layers."""

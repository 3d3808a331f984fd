"""``orewatch tap``: what passes the broker, for people."""

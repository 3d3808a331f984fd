"""How orewatch itself is: what is looked at, what readiness says of it, alerts on it, and its points in InfluxDB."""

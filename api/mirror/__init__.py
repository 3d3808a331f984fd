"""The service's own truth in InfluxDB: states by the minute and hour, alerts, descriptions of units."""

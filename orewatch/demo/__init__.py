"""The demo: four units, the broker, the collector and the service in one process."""

"""What every part of orewatch shares: the plant, telemetry, the wire and storage."""

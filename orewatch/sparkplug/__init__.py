"""The wire contract: Sparkplug B 3.0, as pure state machines and one MQTT client."""

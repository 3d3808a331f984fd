"""A plant behind a real Modbus TCP server."""

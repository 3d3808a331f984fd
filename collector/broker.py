"""The MQTT client of this collector's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.sparkplug.client import MqttClient, TlsSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.settings import CollectorSettings


def client_of(
    settings: CollectorSettings,
    *,
    on_message: Callable[[str, bytes], None],
    on_oversized: Callable[[str, int], None],
) -> MqttClient:
    """Return a client for the broker that the settings name; ``on_oversized`` hears what was skipped: topic, size."""
    broker = settings.broker
    tls = None
    if broker.tls or broker.ca or broker.certificate:
        tls = TlsSettings(
            ca=broker.ca,
            certificate=broker.certificate,
            key=broker.key,
            check_hostname=broker.check_hostname,
        )
    return MqttClient(
        host=broker.host,
        port=broker.port,
        client_id=f"orewatch-collector-{settings.host_id}",
        username=broker.username,
        password=broker.password.get_secret_value() if broker.password else None,
        tls=tls,
        on_message=on_message,
        on_oversized=on_oversized,
    )

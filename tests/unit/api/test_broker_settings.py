"""TLS that was asked for is had, or the start is stopped: a certificate beside a plain link is a mistake."""

from __future__ import annotations

import pytest

from api.settings import ApiSettings
from orewatch.settings import SettingsError, read_settings

BROKER = "OREWATCH_API_BROKER__"


def read(**broker: str) -> ApiSettings:
    environ = {"OREWATCH_API_DATA_DIR": "data", **{BROKER + k.upper(): v for k, v in broker.items()}}
    return read_settings(ApiSettings, prefix="OREWATCH_API_", environ=environ)


def test_certificate_and_key_go_with_tls() -> None:
    broker = read(tls="true", ca_file="ca.crt", cert_file="tls.crt", key_file="tls.key").broker
    assert [str(f) for f in (broker.ca_file, broker.cert_file, broker.key_file)] == ["ca.crt", "tls.crt", "tls.key"]
    # The key may stand in the certificate's file.
    assert read(tls="true", cert_file="both.pem").broker.key_file is None


@pytest.mark.parametrize(
    ("broker", "said"),
    [
        ({"ca_file": "ca.crt"}, "ca_file: without tls the link is plain"),
        ({"cert_file": "tls.crt", "key_file": "k"}, "cert_file, key_file: without tls the link is plain"),
        ({"tls": "true", "key_file": "tls.key"}, "key_file: without cert_file it belongs to nothing"),
    ],
)
def test_half_of_it_stops_the_start(broker: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**broker)
    assert said in str(refused.value)

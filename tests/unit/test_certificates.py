"""When certificates end, as openssl makes them."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from orewatch.certificates import CertificateError, not_after_ms
from orewatch.doctor.certificate_check import check_certificates
from orewatch.doctor.finding import Level
from tests.servers import program

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path, name: str, days: int, *more: str) -> Path:
    path = folder / f"{name}.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days)]
    command += ["-subj", "/CN=localhost", "-keyout", str(folder / "key.pem"), "-out", str(path), *more]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.mark.parametrize("days", [2, 365, 36_500])
@pytest.mark.parametrize("more", [(), ("-addext", "basicConstraints=critical,CA:FALSE")])
def test_its_end_is_that_of_openssl(tmp_path: Path, days: int, more: tuple[str, ...]) -> None:
    """36,500 days end beyond 2050, where X.509 writes years with four digits."""
    path = make(tmp_path, "one", days, *more)
    told = subprocess.run(
        [program("openssl"), "x509", "-enddate", "-noout", "-in", str(path)], check=True, capture_output=True, text=True
    ).stdout
    assert not_after_ms(path) == ssl.cert_time_to_seconds(told.partition("=")[2].strip()) * 1000


def test_of_a_chain_the_first_to_end_counts(tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_text("a word before\n" + "".join(make(tmp_path, f"c{days}", days).read_text() for days in (400, 3, 90)))
    assert abs(not_after_ms(chain) / 1000 - (datetime.now(UTC) + timedelta(days=3)).timestamp()) < 120


def test_of_authorities_the_last_to_end_counts(tmp_path: Path) -> None:
    """A system's file has a hundred, and one of them always ends soon."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("".join(make(tmp_path, f"c{days}", days).read_text() for days in (2, 400, 3)))
    last_s = (datetime.now(UTC) + timedelta(days=400)).timestamp()
    assert abs(not_after_ms(bundle, authorities=True) / 1000 - last_s) < 120
    (found,) = check_certificates([("collector broker ca", bundle)], [], {"collector broker ca"})
    assert found.level is Level.OK


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"gone\.pem: No such file"):
        not_after_ms(tmp_path / "gone.pem")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"\xff\x00")
    with pytest.raises(CertificateError, match="no certificate in it"):
        not_after_ms(empty)
    whole = make(tmp_path, "whole", 2)
    der = ssl.PEM_cert_to_DER_cert(whole.read_text())
    for length in (0, 1, 5, 40, 120):
        whole.write_text(ssl.DER_cert_to_PEM_cert(der[:length]))
        with pytest.raises(CertificateError, match=r"whole\.pem: not an X\.509 certificate"):
            not_after_ms(whole)

"""An authority of one's own: what it makes is good, what is there is kept, and a name is a right."""

from __future__ import annotations

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from orewatch.authority.cabinet import CENTRE, RENEW_DAYS, Cabinet
from orewatch.authority.centre import AUDIENCES, prepare
from orewatch.authority.files import CertificateError
from orewatch.authority.signing import AUTHORITY_LIFE, LIFE, Kind
from tests.servers import program

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def cabinet(folder: Path, now: datetime = NOW) -> Cabinet:
    return Cabinet(folder=folder, now=now)


@pytest.fixture
def made(tmp_path: Path) -> Cabinet:
    one = cabinet(tmp_path / "authority")
    one.ensure_authority()
    return one


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def modes(folder: Path) -> dict[str, int]:
    return {f.name: stat.S_IMODE(f.stat().st_mode) for f in folder.rglob("*")}


def test_openssl_finds_every_certificate_good_for_its_use_and_no_other(made: Cabinet) -> None:
    made.ensure(Kind.SERVER, "mosquitto", hosts=["mqtt.example.ir", "10.1.2.3", "localhost"])
    made.ensure(Kind.CLIENT, "collector")
    made.ensure(Kind.UNIT, "zn-01")

    def good(kind: Kind, name: str, *words: str) -> bool:
        file = made.holder_folder(kind, name) / "tls.crt"
        command = [program("openssl"), "verify", "-x509_strict", "-CAfile", str(made.authority_file), "-crl_check"]
        command += ["-CRLfile", str(made.revoked_file), *words, str(file)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    for host in ("mqtt.example.ir", "localhost"):
        assert good(Kind.SERVER, "mosquitto", "-purpose", "sslserver", "-verify_hostname", host)
    assert good(Kind.SERVER, "mosquitto", "-purpose", "sslserver", "-verify_ip", "10.1.2.3")
    assert not good(Kind.SERVER, "mosquitto", "-verify_hostname", "other.example.ir")
    for kind, name in ((Kind.CLIENT, "collector"), (Kind.UNIT, "zn-01")):
        assert good(kind, name, "-purpose", "sslclient")
        # A unit's certificate cannot play the broker.
        assert not good(kind, name, "-purpose", "sslserver")
    # A gateway whose clock battery died is back in 2020.
    assert good(Kind.UNIT, "zn-01", "-attime", str(int(datetime(2020, 1, 2, tzinfo=UTC).timestamp())))
    copy = (made.holder_folder(Kind.UNIT, "zn-01") / "tls.crt").read_bytes()
    made.revoke("zn-01")
    made.ensure(Kind.UNIT, "zn-01")
    assert good(Kind.UNIT, "zn-01")
    (made.holder_folder(Kind.UNIT, "zn-01") / "tls.crt").write_bytes(copy)
    assert not good(Kind.UNIT, "zn-01")


def test_keys_are_for_their_owner_alone(made: Cabinet, tmp_path: Path) -> None:
    list(prepare(made, hand_out=tmp_path / "out", hosts=[]))
    made.ensure(Kind.UNIT, "zn-01")
    found = modes(made.folder)
    for name, mode in found.items():
        if name.endswith(".key") or name in {s for a in AUDIENCES for s in a.secrets}:
            assert mode == 0o600, name
    assert {mode for name, mode in found.items() if "." not in name and name not in modes(made.folder / "secrets")} == {
        0o700
    }
    # What is handed out is for owner and group of that part; nobody else.
    assert {mode & 0o007 for mode in modes(tmp_path / "out").values()} == {0}


def test_twice_changes_nothing(made: Cabinet, tmp_path: Path) -> None:
    list(prepare(made, hand_out=tmp_path / "out", hosts=["mqtt.example.ir"]))
    before = contents(tmp_path)
    said = list(prepare(made, hand_out=tmp_path / "out", hosts=[]))
    assert contents(tmp_path) == before
    assert not [line for line in said if "made" in line or "renewed" in line]


def test_everybody_gets_their_own_and_nothing_else(made: Cabinet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = list(prepare(made, hand_out=out, hosts=[]))
    tls = {"ca.crt", "tls.crt", "tls.key"}
    assert {f.name: {g.name for g in f.iterdir()} for f in out.iterdir()} == {
        "mosquitto": {*tls, "crl.pem"},
        "influxdb": {"influx_password", "influx_token"},
        "collector": {*tls, "influx_token"},
        "api": {*tls, "influx_token", "api_token"},
        "grafana": {"influx_token", "grafana_password"},
    }
    secrets = {f.read_text() for f in (made.folder / "secrets").iterdir()}
    assert len(secrets) == 4
    assert all(len(s) == 48 for s in secrets)
    assert not [line for line in said if any(s in line for s in secrets)]


def test_what_ends_soon_is_renewed_with_the_same_key(made: Cabinet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    list(prepare(made, hand_out=out, hosts=["mqtt.example.ir"]))
    key, old = ((out / "mosquitto" / n).read_bytes() for n in ("tls.key", "tls.crt"))
    early = NOW + LIFE - timedelta(days=RENEW_DAYS + 1)
    list(prepare(cabinet(made.folder, early), hand_out=out, hosts=[]))
    assert (out / "mosquitto/tls.crt").read_bytes() == old
    late = NOW + LIFE - timedelta(days=RENEW_DAYS - 1)
    said = list(prepare(cabinet(made.folder, late), hand_out=out, hosts=[]))
    assert "server mosquitto: renewed (59 days were left), good until" in "\n".join(said)
    assert (out / "mosquitto/tls.key").read_bytes() == key
    renewed = x509.load_pem_x509_certificate((out / "mosquitto/tls.crt").read_bytes())
    assert renewed.not_valid_after_utc == late + LIFE
    # By names of an earlier run, too.
    names = renewed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "mqtt.example.ir" in names.get_values_for_type(x509.DNSName)


def test_another_name_of_the_broker_goes_into_its_certificate(made: Cabinet, tmp_path: Path) -> None:
    list(prepare(made, hand_out=tmp_path, hosts=["one.example.ir"]))
    said = list(prepare(made, hand_out=tmp_path, hosts=["10.1.2.3"]))
    assert [line for line in said if "renewed (for other hosts)" in line]
    assert {"mosquitto", "one.example.ir", "10.1.2.3"} < set(made.hosts(Kind.SERVER, "mosquitto"))


def test_nothing_outlives_the_authority_and_that_is_no_reason_to_renew(made: Cabinet) -> None:
    late = cabinet(made.folder, NOW + AUTHORITY_LIFE - timedelta(days=10))
    assert late.ensure(Kind.UNIT, "zn-01") == "unit zn-01: made, good until 2046-11-25 (10 days)"
    assert "kept" in late.ensure(Kind.UNIT, "zn-01")


def test_a_run_that_was_broken_off_is_finished_by_the_next(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    folder = made.holder_folder(Kind.UNIT, "zn-01")
    key = (folder / "tls.key").read_bytes()
    for lost in ("tls.crt", "ca.crt"):
        (folder / lost).unlink()
        made.ensure(Kind.UNIT, "zn-01")
        assert (folder / lost).exists()
        assert (folder / "tls.key").read_bytes() == key
    made.authority_file.unlink()
    made.ensure_authority()
    # Another certificate of the same authority's key: everybody gets it.
    assert "the authority is another one" in made.ensure(Kind.UNIT, "zn-01")


def test_the_key_may_be_kept_elsewhere(made: Cabinet, tmp_path: Path) -> None:
    list(prepare(made, hand_out=tmp_path / "out", hosts=[]))
    (made.folder / "ca.key").rename(tmp_path / "in-the-safe")
    list(prepare(made, hand_out=tmp_path / "out", hosts=[]))
    with pytest.raises(CertificateError, match=r"ca\.key: not there"):
        made.ensure(Kind.UNIT, "zn-01")
    assert not made.holder_folder(Kind.UNIT, "zn-01").exists()


@pytest.mark.parametrize("name", CENTRE)
def test_no_unit_gets_the_name_of_a_part_of_the_centre(made: Cabinet, name: str) -> None:
    with pytest.raises(CertificateError, match="a part of the centre has it"):
        made.ensure(Kind.UNIT, name)


def test_no_client_gets_the_brokers_name(made: Cabinet) -> None:
    with pytest.raises(CertificateError, match="not for a client"):
        made.ensure(Kind.CLIENT, "mosquitto")


def test_taking_back_that_was_broken_off_is_finished_before_a_new_one_is_made(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    folder = made.holder_folder(Kind.UNIT, "zn-01")
    stolen = (folder / "tls.key").read_bytes()
    made.revoke("zn-01")
    (aside,) = (made.folder / "revoked").iterdir()
    aside.rename(folder)
    assert "made" in made.ensure(Kind.UNIT, "zn-01")
    assert (folder / "tls.key").read_bytes() != stolen
    assert (aside / "tls.key").read_bytes() == stolen
    assert "kept" in made.ensure(Kind.UNIT, "zn-01")


def test_a_lost_authority_is_seen_before_another_one_is_made(made: Cabinet, tmp_path: Path) -> None:
    out = tmp_path / "out"
    list(prepare(made, hand_out=out, hosts=[]))
    before = contents(out)
    with pytest.raises(CertificateError, match="back from its backup"):
        list(prepare(cabinet(tmp_path / "empty"), hand_out=out, hosts=[]))
    assert contents(out) == before
    assert not (tmp_path / "empty").exists()


def test_a_name_is_taken_once(made: Cabinet) -> None:
    made.ensure(Kind.CLIENT, "viewer")
    with pytest.raises(CertificateError, match="a client has it already"):
        made.ensure(Kind.UNIT, "viewer")


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", ".hidden", "a+b", "#", "a\x00", "new\nline", "x" * 65, "ن" * 33, "a\udcff"]
)
def test_an_impossible_name_is_named_and_nothing_is_made(made: Cabinet, name: str) -> None:
    before = contents(made.folder)
    with pytest.raises(CertificateError, match="allowed"):
        made.ensure(Kind.UNIT, name)
    assert contents(made.folder) == before


@pytest.mark.parametrize("host", ["", "a b", "http://x", "x/y", "-x", "mqtt.example.ir:8883", "[::1]"])
def test_an_impossible_host_is_named(made: Cabinet, host: str) -> None:
    with pytest.raises(CertificateError, match="allowed"):
        made.ensure(Kind.SERVER, "mosquitto", hosts=[host])


def test_a_handed_out_secret_that_differs_stops_the_run(made: Cabinet, tmp_path: Path) -> None:
    list(prepare(made, hand_out=tmp_path, hosts=[]))
    (tmp_path / "api/influx_token").chmod(0o600)
    (tmp_path / "api/influx_token").write_text("another")
    with pytest.raises(CertificateError, match="allowed: the same"):
        list(prepare(made, hand_out=tmp_path, hosts=[]))
    assert (tmp_path / "api/influx_token").read_text() == "another"


def test_renewing_takes_what_ends_soon_or_who_is_named(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    soon = cabinet(made.folder, NOW + LIFE - timedelta(days=20))
    soon.ensure(Kind.UNIT, "pb-01")
    assert [line.split(":")[0] for line in soon.renew(within_days=30)] == ["unit zn-01"]
    assert [line.split(":")[0] for line in soon.renew(within_days=30)] == []
    assert [line.split(":")[0] for line in soon.renew(within_days=30, names=["pb-01"])] == ["unit pb-01"]
    with pytest.raises(CertificateError, match="no certificate of mn-01; there are: "):
        list(soon.renew(within_days=30, names=["mn-01"]))


def test_what_was_renewed_is_taken_back_with_the_rest(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    stolen = []
    # The gateway holds the first one until somebody brings it the next.
    for _ in range(2):
        stolen.append(x509.load_pem_x509_certificate((made.holder_folder(Kind.UNIT, "zn-01") / "tls.crt").read_bytes()))
        list(made.renew(within_days=60, names=["zn-01"]))
    made.revoke("zn-01")
    revoked = x509.load_pem_x509_crl(made.revoked_file.read_bytes())
    assert [revoked.get_revoked_certificate_by_serial_number(c.serial_number) for c in stolen].count(None) == 0
    assert len(revoked) == 3
    made.ensure(Kind.UNIT, "zn-01")
    made.revoke("zn-01")
    assert len(x509.load_pem_x509_crl(made.revoked_file.read_bytes())) == 4


def test_an_address_is_the_same_however_it_is_written(made: Cabinet, tmp_path: Path) -> None:
    list(prepare(made, hand_out=tmp_path, hosts=["2001:DB8:0::1", "::1"]))
    said = list(prepare(made, hand_out=tmp_path, hosts=["2001:DB8:0::1"]))
    assert not [line for line in said if "renewed" in line]
    assert {"2001:db8::1", "::1"} < set(made.hosts(Kind.SERVER, "mosquitto"))


def test_with_a_clock_before_certificates_begin_nothing_is_made(made: Cabinet, tmp_path: Path) -> None:
    early = datetime(1970, 1, 2, tzinfo=UTC)
    for folder in (made.folder, tmp_path / "new"):
        before = contents(tmp_path)
        with pytest.raises(CertificateError, match=r"clock says 1970-01-02: allowed: from 2020-01-01 on"):
            list(prepare(cabinet(folder, early), hand_out=tmp_path / "out", hosts=[]))
        assert {k for k in contents(tmp_path).keys() - before.keys() if "secrets" not in k} == set()


def test_what_was_taken_back_stays_taken_back(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    made.ensure(Kind.UNIT, "pb-01")
    made.revoke("zn-01")
    made.revoke("pb-01")
    assert len(x509.load_pem_x509_crl(made.revoked_file.read_bytes())) == 2
    assert {f.name.split("-0")[0] for f in (made.folder / "revoked").iterdir()} == {"zn", "pb"}
    with pytest.raises(CertificateError, match="there are: none"):
        made.revoke("zn-01")


def test_without_the_list_units_are_made_and_a_damaged_one_is_named(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    made.revoked_file.unlink()
    assert "kept" in made.ensure(Kind.UNIT, "zn-01")
    made.revoked_file.write_text("no list")
    with pytest.raises(CertificateError, match=r"crl\.pem: no list"):
        made.ensure(Kind.UNIT, "zn-01")
    with pytest.raises(CertificateError, match=r"crl\.pem: no list"):
        made.revoke("zn-01")


def test_a_key_of_another_make_is_refused(made: Cabinet) -> None:
    made.ensure(Kind.UNIT, "zn-01")
    file = made.holder_folder(Kind.UNIT, "zn-01") / "tls.key"
    file.write_text("no key")
    with pytest.raises(CertificateError, match="no private key"):
        made.ensure(Kind.UNIT, "zn-01")

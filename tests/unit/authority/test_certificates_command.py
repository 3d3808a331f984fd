"""``orewatch certificates`` and ``orewatch init`` as people meet them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orewatch.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_by_hand_from_nothing_to_a_units_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ("--folder", str(tmp_path / "a"))
    code, _, err = run(capsys, "certificates", "unit", *folder, "zn-01")
    assert (code, "no authority there; make one: orewatch certificates authority" in err) == (1, True)
    assert run(capsys, "certificates", "authority", *folder, "--name", "mine authority")[0] == 0
    assert run(capsys, "certificates", "server", *folder, "mqtt.example.ir", "10.0.0.1")[0] == 0
    code, out, _ = run(capsys, "certificates", "unit", *folder, "--hand-out", str(tmp_path / "out"), "zn-01", "pb-01")
    assert code == 0
    assert str(tmp_path / "a/unit/zn-01") in out
    assert {f.name for f in (tmp_path / "out/zn-01").iterdir()} == {"ca.crt", "tls.crt", "tls.key"}
    code, out, _ = run(capsys, "certificates", "list", *folder)
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["days", "kind", "name"]
    assert [r[1:] for r in rows[2:]] == [["server", "mosquitto"], ["unit", "pb-01"], ["unit", "zn-01"]]
    assert all(re.fullmatch(r"\d+", r[0]) for r in rows[1:])
    assert run(capsys, "certificates", "renew", *folder)[1] == "nothing ends within 60 days\n"
    code, out, _ = run(capsys, "certificates", "revoke", *folder, "zn-01")
    assert "taken back" in out
    assert "crl.pem" in out
    code, _, err = run(capsys, "certificates", "unit", *folder, "collector")
    assert (code, "not for a unit" in err) == (1, True)


def test_no_key_and_no_secret_is_ever_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ""
    folder, out = ("--folder", str(tmp_path / "a")), ("--hand-out", str(tmp_path / "out"))
    for words in (
        ("init", *folder, *out, "--hosts", "a.example.ir, 10.0.0.1"),
        ("certificates", "unit", *folder, *out, "zn-01"),
        ("certificates", "list", *folder),
        ("certificates", "renew", *folder, "zn-01"),
        ("certificates", "revoke", *folder, "zn-01"),
    ):
        code, printed, err = run(capsys, *words)
        assert (code, err) == (0, ""), words
        said += printed
    for file in (f for f in tmp_path.rglob("*") if f.is_file() and (f.suffix == ".key" or "_" in f.name)):
        lines = file.read_text().splitlines()
        assert not [line for line in lines if line in said and "-----" not in line], file


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "init", "--folder", str(tmp_path / "file/a"))
    assert code == 1
    assert err.startswith("orewatch init: ")
    assert "Traceback" not in err

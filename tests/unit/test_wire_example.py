"""The worked example of the wire guide is what the code makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import zstandard

from orewatch.telemetry.block import decode_block, read_header
from orewatch.telemetry.block_body import pack_body
from orewatch.telemetry.schema import schema_from_text
from tests.wire_example import FIRST_MS, SCANS, SCHEMA, SPOOL, example_block

PAGE = (Path(__file__).parents[2] / "docs/guides/wire.md").read_text(encoding="utf-8")


def fenced(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def shown_block() -> bytes:
    return b"".join(bytes.fromhex(line.partition("  ")[2]) for line in fenced("hex").splitlines())


def test_the_hex_is_the_block() -> None:
    assert shown_block() == example_block()


def test_the_hex_reads_as_the_page_says() -> None:
    block = shown_block()
    header = read_header(block)
    assert (header.unit, header.site, header.province, header.mineral) == ("zn-01", "Angouran", "Zanjan", "zinc")
    assert (header.spool, header.number, header.values) == (SPOOL, 7, 6)
    assert (header.first_ms, header.last_ms) == (FIRST_MS, FIRST_MS + 2000)
    (scans,) = decode_block(block, SCHEMA)
    assert np.array_equal(scans.steps, SCANS.steps)
    assert scans.quality is not None
    assert SCANS.quality is not None
    assert np.array_equal(scans.quality, SCANS.quality)


def test_the_body_is_the_frame_unpacked() -> None:
    body = bytes.fromhex(fenced("body"))
    assert body == pack_body(SCHEMA, [SCANS], FIRST_MS)
    assert zstandard.ZstdDecompressor().decompress(shown_block()[0x5E:]) == body


def test_the_schema_text_is_canonical() -> None:
    text = next(t for t in re.findall(r"```json\n(.*?)\n```", PAGE) if '"groups"' in t)
    assert schema_from_text(text) == SCHEMA
    assert text == SCHEMA.text


def test_every_row_of_the_table_of_bytes_is_true() -> None:
    block = shown_block()
    rows = re.findall(r"^\| ([0-9a-f]{2}) \| `([0-9a-f ]+?)(?: \.\.\.[^`]*)?` \|", PAGE, re.MULTILINE)
    assert len(rows) == 11
    for at, shown in rows:
        expected = bytes.fromhex(shown)
        assert block[int(at, 16) : int(at, 16) + len(expected)] == expected

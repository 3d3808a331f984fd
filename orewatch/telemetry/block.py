"""Blocks: a span of a unit's scans as bytes, made once at the edge and kept unchanged on the wire and in the journal.

Layout, little-endian::

    magic "OWBK" | version u8 | flags u8 | tag bytes u16 | spool 16 | number u64 | schema 8
    | first_ms i64 | last_ms i64 | values u32 | checksum 8 | tags | body

The tags are unit, site, province and mineral, separated by NUL: what was true where and when the
scans were made. The checksum (blake2b) covers everything else and is part of the block's identity.
The body is one zstd frame, see :mod:`orewatch.telemetry.block_body`.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import zstandard

from orewatch.telemetry.block_body import BodyError, pack_body, unpack_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import Schema

MAGIC: Final = b"OWBK"
VERSION: Final = 1
MAX_BLOCK_BYTES: Final = 4 * 2**20
MAX_BODY_BYTES: Final = 64 * 2**20
MAX_TAG_BYTES: Final = 1024

_HEAD: Final = struct.Struct("<4sBBH16sQ8sqqI8s")
_CHECKSUM: Final = slice(_HEAD.size - 8, _HEAD.size)
_TAGS: Final = 4
_LEVEL: Final = 3


class BlockFault(StrEnum):
    """Why bytes are not an acceptable block."""

    TRUNCATED = "truncated"
    NOT_A_BLOCK = "not_a_block"
    VERSION = "unknown_version"
    CHECKSUM = "checksum"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    WRONG_SCHEMA = "wrong_schema"


class BlockError(ValueError):
    """Bytes are not an acceptable block; ``fault`` says why. Permanent: the same bytes never become one."""

    def __init__(self, fault: BlockFault, detail: str) -> None:
        super().__init__(f"block: {fault.value}: {detail}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a block says of itself. Identity is (``unit``, ``spool``, ``number``) with ``checksum``.

    ``spool`` is a UUID (16 bytes), ``schema`` and ``checksum`` 8 bytes; ``first_ms`` and ``last_ms``
    the earliest and latest scan by the edge's clock; ``values`` the count of values, whatever their quality.
    """

    unit: str
    site: str
    province: str
    mineral: str
    spool: bytes
    number: int
    schema: bytes
    first_ms: int
    last_ms: int
    values: int
    checksum: bytes


_local = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    # The contexts are not safe to share between threads, and dear to make.
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return _local.compressor  # type: ignore[no-any-return]


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    return _local.decompressor  # type: ignore[no-any-return]


def encode_block(
    *,
    unit: str,
    site: str,
    province: str,
    mineral: str,
    spool: bytes,
    number: int,
    schema: Schema,
    scans: Sequence[Scans],
) -> bytes:
    """Return the block of these scans; scans of the same group are joined in the order given.

    :class:`ValueError` for no scans at all, a tag with NUL or longer than allowed, a wrong ``spool`` or ``number``.
    """
    present = [s for s in scans if len(s)]
    if not present:
        raise ValueError("scans: none; a block holds at least one")
    if len(spool) != 16:  # noqa: PLR2004 - a UUID
        raise ValueError(f"spool: {len(spool)} bytes; allowed: the 16 of a UUID")
    if not 0 < number < 2**63:
        raise ValueError(f"number: {number}; allowed: 1 to 2**63 - 1")
    tags = f"{unit}\0{site}\0{province}\0{mineral}".encode()
    if tags.count(b"\0") != _TAGS - 1 or len(tags) > MAX_TAG_BYTES:
        raise ValueError(f"tags: {tags!r}; allowed: no NUL, {MAX_TAG_BYTES} bytes in all")
    first = min(int(s.time_ms.min()) for s in present)
    last = max(int(s.time_ms.max()) for s in present)
    values = sum(s.steps.size for s in present)
    body = _compressor().compress(pack_body(schema, present, first))
    head = _HEAD.pack(MAGIC, VERSION, 0, len(tags), spool, number, schema.hash, first, last, values, bytes(8))
    checksum = _digest(head, tags, body)
    return head[: _CHECKSUM.start] + checksum + tags + body


def _digest(head: bytes | memoryview, *parts: bytes | memoryview) -> bytes:
    digest = hashlib.blake2b(head[: _CHECKSUM.start], digest_size=8)
    for part in parts:
        digest.update(part)
    return digest.digest()


def read_header(data: bytes) -> BlockHeader:
    """Read and verify a block's header and checksum, its body unopened; :class:`BlockError` says what is wrong."""
    if len(data) > MAX_BLOCK_BYTES:
        raise BlockError(BlockFault.TOO_LARGE, f"{len(data)} bytes; allowed: {MAX_BLOCK_BYTES}")
    if data[:4] != MAGIC[: len(data)] or not data:
        raise BlockError(BlockFault.NOT_A_BLOCK, f"begins with {data[:4]!r}")
    if len(data) < _HEAD.size:
        raise BlockError(BlockFault.TRUNCATED, f"{len(data)} bytes, the header alone has {_HEAD.size}")
    _, version, _, tag_bytes, spool, number, schema, first, last, values, checksum = _HEAD.unpack_from(data)
    if version != VERSION:
        raise BlockError(BlockFault.VERSION, f"version {version}; known: {VERSION}")
    if len(data) <= _HEAD.size + tag_bytes:
        raise BlockError(BlockFault.TRUNCATED, f"{len(data)} bytes, no body")
    if _digest(data, memoryview(data)[_HEAD.size :]) != checksum:
        raise BlockError(BlockFault.CHECKSUM, f"{len(data)} bytes do not match their checksum")
    try:
        unit, site, province, mineral = data[_HEAD.size : _HEAD.size + tag_bytes].decode().split("\0")
    except ValueError as error:
        raise BlockError(BlockFault.CORRUPT, f"tags: {error}") from error
    return BlockHeader(unit, site, province, mineral, spool, number, schema, first, last, values, checksum)


def decode_block(data: bytes, schema: Schema) -> list[Scans]:
    """Return a block's scans, at most one :class:`Scans` per group, rows in the order they were read.

    Values of BAD and ABSENT quality read as step 0. The block must have passed :func:`read_header`;
    :class:`BlockError` where the body does not hold what its schema says.
    """
    if len(data) < _HEAD.size:
        raise BlockError(BlockFault.TRUNCATED, f"{len(data)} bytes")
    _, _, _, tag_bytes, _, _, schema_hash, first, _, values, _ = _HEAD.unpack_from(data)
    if schema_hash != schema.hash:
        raise BlockError(BlockFault.WRONG_SCHEMA, f"made with {schema_hash.hex()}, read with {schema.hash.hex()}")
    frame = memoryview(data)[_HEAD.size + tag_bytes :]
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= MAX_BODY_BYTES:
            raise BlockError(BlockFault.TOO_LARGE, f"body of {size} bytes; allowed: {MAX_BODY_BYTES}")
        body = _decompressor().decompress(frame)
        scans = unpack_body(schema, body, first)
    except (zstandard.ZstdError, BodyError) as error:
        raise BlockError(BlockFault.CORRUPT, str(error)) from error
    found = sum(s.steps.size for s in scans)
    if found != values:
        raise BlockError(BlockFault.CORRUPT, f"{found} values; the header says {values}")
    return scans

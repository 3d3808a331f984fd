from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import orewatch
from orewatch.sparkplug import sparkplug_b_pb2 as pb

ROOT = Path(orewatch.__file__).parent.parent
HERE = "orewatch/sparkplug/sparkplug_b"
TABLE: list[tuple[Any, str]] = [
    (pb.Payload.DESCRIPTOR, "timestamp 1 metrics 2 seq 3 uuid 4 body 5"),
    (
        pb.Metric.DESCRIPTOR,
        (
            "name 1 alias 2 timestamp 3 datatype 4 is_historical 5 is_transient 6 is_null 7 metadata 8 properties 9 "
            "int_value 10 long_value 11 float_value 12 double_value 13 boolean_value 14 string_value 15 bytes_value 16 "
            "dataset_value 17 template_value 18 extension_value 19"
        ),
    ),
    (
        pb.MetaData.DESCRIPTOR,
        "is_multi_part 1 content_type 2 size 3 seq 4 file_name 5 file_type 6 md5 7 description 8",
    ),
    (pb.PropertySet.DESCRIPTOR, "keys 1 values 2"),
    (
        pb.PropertyValue.DESCRIPTOR,
        (
            "type 1 is_null 2 int_value 3 long_value 4 float_value 5 double_value 6 boolean_value 7 string_value 8 "
            "propertyset_value 9 propertysets_value 10"
        ),
    ),
    (pb.DataSet.DESCRIPTOR, "num_of_columns 1 columns 2 types 3 rows 4"),
    (pb.DataSet.Row.DESCRIPTOR, "elements 1"),
    (
        pb.DataSet.DataSetValue.DESCRIPTOR,
        "int_value 1 long_value 2 float_value 3 double_value 4 boolean_value 5 string_value 6",
    ),
]
NARROW, WIDE = 13, 4  # uint32 and uint64 in a descriptor


@pytest.mark.parametrize(("message", "fields"), TABLE, ids=lambda x: getattr(x, "name", ""))
def test_fields_have_the_specifications_numbers(message: Any, fields: str) -> None:
    assert " ".join(f"{f.name} {f.number}" for f in message.fields) == fields
    for field in message.fields:
        if field.name in {"int_value", "datatype", "type", "types"}:
            assert field.type == NARROW
        if field.name in {"long_value", "alias", "timestamp", "seq", "size", "num_of_columns"}:
            assert field.type == WIDE


def test_the_generated_module_is_what_the_proto_says(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}", f"--python_out={tmp_path}"]
    subprocess.run([*command, f"--pyi_out={tmp_path}", f"{HERE}.proto"], check=True, cwd=ROOT)
    for end in ("_pb2.py", "_pb2.pyi"):
        assert (tmp_path / f"{HERE}{end}").read_text() == (ROOT / f"{HERE}{end}").read_text(), "run: make proto"

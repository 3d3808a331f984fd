"""Compose file, Dockerfile and CI workflow before the tools that know what may stand in them."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.servers import program
from tests.system.compose_file import FILE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = ROOT / ".github/workflows/ci.yml"
DOCKERFILE = ROOT / "deploy/Dockerfile"
SCHEMAS = {FILE: "vendor.compose-spec", WORKFLOW: "vendor.github-workflows"}


def complaint(schema: str, file: Path) -> str:
    done = subprocess.run(
        [program("check-jsonschema"), "--builtin-schema", schema, str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda f: f.name)
def test_the_file_is_what_its_schema_asks(file: Path) -> None:
    assert complaint(SCHEMAS[file], file) == ""


def test_the_schemas_find_a_misspelt_key(tmp_path: Path) -> None:
    for file, right, wrong in ((FILE, "cap_drop:", "cap_dorp:"), (WORKFLOW, "runs-on:", "run-on:")):
        broken = tmp_path / file.name
        text = file.read_text(encoding="utf-8")
        assert right in text
        broken.write_text(text.replace(right, wrong), encoding="utf-8")
        assert wrong.rstrip(":") in complaint(SCHEMAS[file], broken)


def lint(file: Path) -> str:
    done = subprocess.run(
        [program("hadolint"), "--no-color", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr or f"exit code {done.returncode}"


def test_the_dockerfile_has_nothing_to_complain_about(tmp_path: Path) -> None:
    assert lint(DOCKERFILE) == ""
    broken = tmp_path / "Dockerfile"
    broken.write_text(DOCKERFILE.read_text(encoding="utf-8").replace("--no-cache-dir ", ""), encoding="utf-8")
    assert "DL3042" in lint(broken)


def test_the_workflow_pins_what_it_uses_and_may_only_read() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", u) for u in used), used
    assert len(re.findall(r"uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text)) == len(used)
    assert workflow["jobs"]["unit"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert any("docker compose --profile demo up" in s.get("run", "") for s in workflow["jobs"]["compose"]["steps"])

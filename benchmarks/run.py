"""Run every ``bench_*.py``, print a table, write ``benchmarks/latest.json``.

``python -m benchmarks.run [name ...]`` runs only the named ones.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.result import Result

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run, print, write; 1 where a target was missed or a benchmark failed to run."""
    found = sorted(p.stem.removeprefix("bench_") for p in HERE.glob("bench_*.py"))
    unknown = set(names) - set(found)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(found)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    for name in names or found:
        print(f"· {name} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        results += importlib.import_module(f"benchmarks.bench_{name}").measure()
        print(f"  {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    print(table(results))
    (HERE / "latest.json").write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n")
    return 1 if any(r.ok is False for r in results) else 0


def table(results: list[Result]) -> str:
    """Return the results as aligned lines."""
    rows = [("name", "value", "unit", "target", "ok")]
    for r in results:
        target = "" if r.target is None else f"{r.target:g}"
        rows.append((r.name, f"{r.value:.4g}", r.unit, target, {None: "", True: "yes", False: "NO"}[r.ok]))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.unit.edge_agent.edge_parts import SMALL, T0, instant, opened, rows, rows_of

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from tests.unit.edge_agent.edge_parts import SMALL, T0, instant, opened
spool = opened(Path(sys.argv[1]), schema=SMALL, block_seconds=3, synchronous="FULL")
start = int(sys.argv[2])
for second in range(start, start + 100_000):
    assert spool.append(instant(T0 + 1000 * second, schema=SMALL), T0 + 1000 * second)
    print(second, flush=True)
"""


def test_killed_at_any_moment_every_scan_said_to_be_durable_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    moment = random.Random(7)  # noqa: S311 - when to kill is no secret
    start = 0
    said: list[int] = []
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(path), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(moment.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in (first, *process.stdout) if line.endswith("\n")]
        start = said[-1] + 10
    spool = opened(path, schema=SMALL)
    found = rows_of(spool.pending("main", limit=100_000), SMALL)
    spool.close()
    expected = rows(s for second in said for s in instant(T0 + 1000 * second, schema=SMALL))
    assert expected <= found
    # At most the one append that was under way may be there without having been said.
    assert sum((found - expected).values()) <= 4 * len(SMALL.groups)
    assert max(found.values()) == 1
    assert len(said) > 20

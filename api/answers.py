"""JSON answers, encoded once by orjson: what handlers return is checked against the models by tests, not per call."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response


def answer(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - anything JSON
    """Return ``body`` as JSON that nobody caches."""
    return Response(orjson.dumps(body), status, media_type="application/json", headers={"Cache-Control": "no-store"})

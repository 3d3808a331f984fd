"""Names of the metrics that our units' nodes carry besides Sparkplug's own; the wire guide says what each holds."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = "Unit/Description"
BLOCK: Final = "Record/Block"
SCHEMAS: Final = "Record/Schemas"
SPOOL: Final = "Record/Spool"
DEPTH: Final = "Record/Depth"
DROPPED: Final = "Record/Dropped"
RESEND: Final = "Record/Resend"
ACKNOWLEDGED: Final = "Delivery/Acknowledged"
WATCHED: Final = "Live/Watched"

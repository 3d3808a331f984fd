"""``python -m orewatch``."""

import sys

from orewatch.cli import main

sys.exit(main())

"""`python -m gateway.cli`: the same as `velgate`, for where the script is not on the path."""

from __future__ import annotations

import sys

from gateway.cli.main import main

sys.exit(main())

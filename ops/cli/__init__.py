"""The command `tierbus`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line of this process and exits: 0 fine, 1 found trouble, 2 wrong use."""
    from ops.cli.app import run

    sys.exit(run(sys.argv[1:]))

"""The command `tierbus`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line of this process and exits: 0 fine, 1 found trouble, 2 wrong use."""
    try:
        from ops.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were still being imported
        code = 130
    sys.exit(code)

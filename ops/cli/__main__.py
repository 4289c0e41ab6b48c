"""`python -m ops.cli` is `tierbus`."""

from ops.cli import main

main()

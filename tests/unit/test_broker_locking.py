"""One at a time, between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ops.broker.locking import held
from ops.broker.values import BrokerError

HOLDER = """
import sys
from pathlib import Path
from ops.broker.locking import held
with held(Path(sys.argv[1]), timeout_s=5, what="holding"):
    print("held", flush=True)
    input()
"""


def test_it_is_waited_for_within_a_bound_and_let_go_by_death(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(BrokerError, match=r"starting: another process has held .*lock for 0\.1 s"),
            held(path, timeout_s=0.1, what="starting"),
        ):
            pass
        holder.kill()
        holder.wait()
    with held(path, timeout_s=5, what="starting"):
        pass

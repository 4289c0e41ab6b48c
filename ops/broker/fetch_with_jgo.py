"""Script: downloads artifacts, given by their Maven coordinates, into a folder, with no Maven and no Java.

A process of its own, so that its caller can bound it: jgo bounds each request but not their sum.
"""

from __future__ import annotations

import os
import shutil
import ssl
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_CONNECTIONS = 6


def main(folder: Path, coordinates: list[str]) -> None:
    """Downloads each; the caller checks their content.

    The repository folder is new each time: jgo takes whatever file it finds there, half-written ones too.
    """
    # requests brings its own list of authorities; the system's also knows that of a company's proxy.
    if authorities := ssl.get_default_verify_paths().cafile:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authorities)
    try:
        from jgo.maven import MavenContext
    except ImportError:
        sys.exit("jgo is not installed: `pip install 'tierbus[local]'`")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="m2-") as repository:
        context = MavenContext(repo_cache=Path(repository), timeout=30)

        def fetch(coordinate: str) -> None:
            path = context.create_dependency(coordinate).artifact.resolve()
            shutil.move(path, folder / path.name)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            try:
                list(pool.map(fetch, coordinates))
            except Exception as error:
                pool.shutdown(wait=False, cancel_futures=True)
                sys.exit(f"{type(error).__name__}: {error}"[:500])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""A cluster for one benchmark."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._contest import shown


@contextmanager
def own_cluster(benchmark: str) -> Iterator[tuple[Path, int]]:
    """Have a cluster whose state is in a folder of its own; give its kubeconfig and its API server's process."""
    with tempfile.TemporaryDirectory(prefix="kitlib-bench-") as folder:
        environment = os.environ | {"KITLIB_STATE": folder}
        up = "from kitlib import cluster; print(cluster.up('embedded', progress=False).kubeconfig)"
        shown(f"{benchmark}: a cluster of its own")
        try:
            said = subprocess.run([sys.executable, "-c", up], check=True, env=environment, stdout=subprocess.PIPE)
            process = next(Path(folder).rglob("kube-apiserver.pid"), None)
            yield Path(said.stdout.decode().strip()), int(process.read_text()) if process else 0
        finally:
            down = "from kitlib import cluster; cluster.down()"
            subprocess.run([sys.executable, "-c", down], check=False, env=environment, capture_output=True)


__all__ = ["own_cluster"]

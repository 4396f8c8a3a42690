"""A recording as a read-only API server: kubectl, k9s and any client look at what was, as if it were.

In: a recording, and a moment of it or a speed at which it is played. Out: answers to the requests that read, as the
API server gave them then, and a kubeconfig that leads there; no cluster is needed.

Promised: nothing is invented. What lies in a gap, came late, or was never followed is answered with a Warning header or
an error, never as if nothing had been; a write is refused with one sentence; what is held in memory doesn't grow with
the objects. It listens on 127.0.0.1 only, and who doesn't know the secret in its address is told nothing.
"""

from kitlib.serve.server import Server, running

__all__ = ["Server", "running"]

"""One API server: requests and streams as bytes, what it serves, and what is written to it.

In: a kubeconfig file and a context. Out: a `Connection`, the bytes of answers and of streams, and changes with a
readable diff. It promises that nothing is written where that was not allowed, and that every answer that is no success
becomes one of `kitlib.errors`.
"""

from kitlib.api.answers import Backoff, Retry
from kitlib.api.transport import Answer, Connection, Resource, Stream

__all__ = ["Answer", "Backoff", "Connection", "Resource", "Retry", "Stream"]

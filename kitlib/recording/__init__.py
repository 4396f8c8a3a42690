"""What was seen of a cluster, in the order in which it came: rows that are kept as Parquet.

A `Recording` is the seam of kitlib: left of it a cluster is needed, right of it a file is enough.
"""

from kitlib.recording.recording import Recording
from kitlib.recording.redaction import redact
from kitlib.recording.row import Meta, WatchEvent, head
from kitlib.recording.store import FORMAT, SCHEMA

__all__ = ["FORMAT", "SCHEMA", "Meta", "Recording", "WatchEvent", "head", "redact"]

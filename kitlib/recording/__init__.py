"""What was seen of a cluster, in the order in which it came: rows that are kept as Parquet.

In: rows from watches and logs, and the lives of the streams that bring them. Out: a folder that can be read again on
any machine, its rows, and what they cover. A `Recording` is the seam of kitlib: left of it a cluster is needed, right
of it a file is enough. It promises that nothing is missing unnoticed, that a Secret's data never reaches the disk, and
that only its owner can read it.
"""

from kitlib.recording.coverage import Interval
from kitlib.recording.recording import Recording
from kitlib.recording.redaction import redact
from kitlib.recording.row import Meta, WatchEvent, head
from kitlib.recording.store import FORMAT, SCHEMA

__all__ = ["FORMAT", "SCHEMA", "Interval", "Meta", "Recording", "WatchEvent", "head", "redact"]

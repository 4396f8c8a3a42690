"""List, then watch, several kinds at once into a Recording; logs and a node's runtime beside them; waits driven by it.

In: a `Connection`, the kinds, Pods or nodes to follow. Out: rows of a `Recording`, and the lives of the streams that
bring them. It promises that whatever ends a stream is written down: what may be missing is said by a gap, what came
late by its row.
"""

from kitlib.watch.logs import LogFollower
from kitlib.watch.look import look
from kitlib.watch.recorder import KINDS, Recorder, snapshot
from kitlib.watch.reflector import Reflector
from kitlib.watch.timeouts import Timeouts

Patience = Timeouts
"""The name that `Timeouts` had before."""

__all__ = ["KINDS", "LogFollower", "Patience", "Recorder", "Reflector", "Timeouts", "look", "snapshot"]

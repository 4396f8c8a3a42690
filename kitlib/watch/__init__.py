"""List, then watch, several kinds at once into a Recording; what may be missing is said by a gap row."""

from kitlib.watch.follow import Follower, Patience
from kitlib.watch.logs import LogFollower
from kitlib.watch.recorder import KINDS, Recorder, snapshot

__all__ = ["KINDS", "Follower", "LogFollower", "Patience", "Recorder", "snapshot"]

"""List, then watch, several kinds at once into a Recording; what may be missing is said by a gap row."""

from kitlib.watch.logs import LogFollower
from kitlib.watch.recorder import KINDS, Recorder, snapshot
from kitlib.watch.reflector import Follower, Patience

__all__ = ["KINDS", "Follower", "LogFollower", "Patience", "Recorder", "snapshot"]

"""The guards: what in kitlib keeps a fault from passing unnoticed, and which scenarios notice if it were gone.

Each is taken out once, in a copy of kitlib under build/, and scenarios of the families that rely on it are run until
one fails. A guard that nobody misses is no guard: either the suite doesn't try what it is for, or it is dead code.
"""

from tests.faults.guards.guard import Guard
from tests.faults.guards.removal import Missed, take_out_each, without
from tests.faults.guards.table import GUARDS

__all__ = ["GUARDS", "Guard", "Missed", "take_out_each", "without"]

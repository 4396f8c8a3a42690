"""All guards, by their numbers."""

from __future__ import annotations

from tests.faults.guards.ends import ENDS
from tests.faults.guards.histories import HISTORIES
from tests.faults.guards.late import LATE
from tests.faults.guards.logs import OF_LOGS
from tests.faults.guards.start import START

GUARDS = (*ENDS, *HISTORIES, *OF_LOGS, *LATE, *START)

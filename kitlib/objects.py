"""What is done to objects, and waited for: `from kitlib import objects`, then `objects.apply(…)`, `objects.wait(…)`."""

from kitlib.api.objects import *  # noqa: F403

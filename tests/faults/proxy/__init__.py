"""The proxy that hurts a recorder: what a fault is, the requests and bodies that it befalls, and the server itself."""

from tests.faults.proxy.fault import AHEAD, BROKEN, NOBODY, READER, Fault, Seen
from tests.faults.proxy.server import Proxy

__all__ = ["AHEAD", "BROKEN", "NOBODY", "READER", "Fault", "Proxy", "Seen"]

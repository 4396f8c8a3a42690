"""The address that `kitlib.api` had before: what was imported from here still can be."""

from kitlib.api import Connection, Resource, Stream

__all__ = ["Connection", "Resource", "Stream"]

"""What the server answers instead of what was asked for: a Status, as an API server writes it."""

from __future__ import annotations

from typing import Any

READ_ONLY = "this is a recording: it can be read, not changed"
"""What every write is answered."""


class Refusal(Exception):
    """An answer that isn't what was asked for.

    Parameters
    ----------
    code : int
        The HTTP status.
    reason : str
        In Kubernetes' words: "NotFound".
    message : str
        One sentence for who asked.
    **details
        What it is about: name, group, kind.
    """

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    @property
    def status(self) -> dict[str, Any]:
        """The Status object."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": {key: value for key, value in self.details.items() if value}} if self.details else {}),
            "code": self.code,
        }


def full(group: str, plural: str) -> str:
    """Return how a kind is called in a message: "deployments.apps"."""
    return f"{plural}.{group}" if group else plural


def not_found(group: str, plural: str, name: str) -> Refusal:
    """Say that there is no such object now."""
    return Refusal(404, "NotFound", f'{full(group, plural)} "{name}" not found', name=name, group=group, kind=plural)


def not_recorded(what: str, instead: str) -> Refusal:
    """Say that nobody knows whether there was any, as to someone who may not see it."""
    return Refusal(403, "Forbidden", f"{what} were not recorded; this recording has {instead}")


def bad_request(message: str) -> Refusal:
    """Say that the request can't be understood."""
    return Refusal(400, "BadRequest", message)


def expired(message: str) -> Refusal:
    """Say that not all of the history that is asked for is known: the client lists anew."""
    return Refusal(410, "Expired", message)


def read_only(what: str) -> Refusal:
    """Say that nothing can be written."""
    return Refusal(405, "MethodNotAllowed", f"{READ_ONLY} ({what})")


__all__ = ["READ_ONLY", "Refusal", "bad_request", "expired", "full", "not_found", "not_recorded", "read_only"]

"""Errors that name the step, the object and what to do next."""

from __future__ import annotations


class KitlibError(Exception):
    """What went wrong, in which step, with which object, and what to do next.

    Parameters
    ----------
    message : str
        What happened, in one sentence.
    step : str, optional
        What kitlib was doing ("apply", "build etcd").
    object : str, optional
        What it was doing it to ("deployment/web", a path).
    next : str, optional
        What the reader can do now.
    status : dict, optional
        The API server's own Status object, where there is one.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        step: str | None = None,
        object: str | None = None,
        next: str | None = None,
        status: dict | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.step = step
        self.object = object
        self.next = next
        self.status = status or {}

    def __str__(self) -> str:
        where = " ".join(part for part in (self.step, self.object) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\n  Next: {self.next}" if self.next else text


class ClaimError(KitlibError):
    """A claim did not get the verdict that it expects."""

    exit_code = 1


class UsageError(KitlibError):
    """The call itself is wrong: an unknown notebook, a bad option, a manifest that can't be read."""

    exit_code = 2


class ClusterError(KitlibError):
    """No cluster, or one that does not answer.

    Attributes
    ----------
    cut : bool
        Whether the connection broke after it had been there: the same may be answered when it is asked again.
    """

    exit_code = 3
    cut: bool = False


class RefusedError(KitlibError):
    """kitlib would have written to a cluster that it did not make."""

    exit_code = 4


class WaitTimeout(KitlibError):
    """A wait reached its deadline; the message says why the object is not there yet."""

    exit_code = 5


class ServerError(KitlibError):
    """The API server refused a request; `status` holds its Status object.

    Attributes
    ----------
    retry_after : float or None
        Seconds after which it asks to come again.
    """

    exit_code = 6
    retry_after: float | None = None


class BuildError(KitlibError):
    """A program of Kubernetes could be neither found, downloaded nor built."""

    exit_code = 7


class RecordingError(KitlibError):
    """A recording that can't be opened or written."""

    exit_code = 8


class NotKept(BaseException):
    """A lesson is walked on its recording, and that doesn't say what would have to be asked of the cluster.

    It is no `Exception`, so that nothing on its way takes it for an answer: neither a lesson that expects a refusal,
    nor a library.

    Parameters
    ----------
    why : str
        What isn't there, and why.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

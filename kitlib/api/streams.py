"""A watch, or a log that is followed: its lines as they come, and whether the server itself ended it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import urllib3

from kitlib.api import chunked


class Stream:
    """The lines of a watch or of a log, as bytes; `close` ends it from another thread.

    Attributes
    ----------
    complete : bool
        Whether the server ended it, by its own last chunk: everything that it sent has come. An answer without chunks
        has no such end.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, watch: bool = True) -> None:
        self._response = response
        self._watch = watch
        self._closed = threading.Event()
        self.complete = False

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        for lines in self.chunks():
            yield from lines

    def chunks(self) -> Iterator[list[bytes]]:
        """Yield the whole lines that came together; the rest of one that was cut is left out.

        A log's last line needs no line break.

        Raises
        ------
        ConnectionError
            If the connection breaks, or is silent for too long.
        """
        rest = b""
        try:
            for data in chunked.received(self._response):
                *lines, rest = (rest + data).split(b"\n")
                if found := [line for line in lines if line]:
                    yield found
            ended = chunked.in_chunks(self._response) and not self._closed.is_set()
            if ended and rest and not self._watch:
                yield [rest]
                rest = b""
            self.complete = ended and not rest
        except (urllib3.exceptions.HTTPError, OSError, AttributeError, ValueError) as error:
            if not self._closed.is_set():
                raise ConnectionError(str(error)) from error
        finally:
            self._response.close()

    def close(self) -> None:
        """End the stream; the thread that reads it sees its end."""
        self._closed.set()
        try:
            self._response.shutdown()
        except (ValueError, OSError, AttributeError, RuntimeError):
            pass

"""One body on its way to the recorder, and what befalls it: held up, cut, taken apart, sent twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from tests.faults.proxy.bodies import LINE, nameless, spoilt_line, told
from tests.faults.proxy.connections import Complete, Ended, reset
from tests.faults.proxy.fault import Fault
from tests.faults.proxy.memory import Memory
from tests.faults.proxy.request import Request

LATE = 0.15
"""Seconds by which a busy machine may delay an orderly end."""
LONE = 0.3
"""Seconds between what comes first after a stall and what was held up with it: the recorder gets it by itself."""


class Out:
    """One body on its way to the recorder, and what befalls it."""

    def __init__(
        self,
        memory: Memory,
        request: Request,
        faults: list[Fault],
        writer: asyncio.StreamWriter,
        gone: asyncio.Future[bytes],
    ) -> None:
        self.chunked = True
        self._memory = memory
        self._request = request
        self._writer = writer
        self._gone = gone
        self._sent = 0
        self._lines = 0
        self._began = time.monotonic()
        self._waiting = [fault for fault in faults if fault.kind in ("cut", "truncate", "stall", "error", "garble")]
        if request.verb != "watch":
            self._waiting = [fault for fault in self._waiting if fault.kind != "garble"]
        self._shape = {fault.kind: fault for fault in faults}
        self._history: list[bytes] = []
        self._held: list[bytes] = []
        self._held_since: float | None = None
        for kind in ("split", "join", "duplicate", "replay", "delay", "throttle", "swallow"):
            if kind in self._shape:
                self._note("hurt", kind)

    def _note(self, what: str, value: Any) -> None:
        self._memory.note(self._request, what, value)

    async def head(self, status_line: str, headers: list[str]) -> None:
        self._writer.write("\r\n".join([status_line, *headers, "", ""]).encode("latin-1"))
        await self._writer.drain()
        self._began = time.monotonic()

    async def pump(self, blocks: AsyncIterator[bytes]) -> None:
        """Forward the lines of a watch as they come, and let happen what is due by the clock."""
        rest = b""
        coming: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                await self._due()
                if coming is None:
                    coming = asyncio.ensure_future(anext(blocks, None))
                done, _ = await asyncio.wait(
                    {coming, self._gone}, timeout=self._next_due(), return_when=asyncio.FIRST_COMPLETED
                )
                if self._gone in done:
                    raise Ended
                if coming not in done:
                    continue
                block, coming = coming.result(), None
                if block is None:
                    await self._release()
                    if rest:
                        await self.put(rest)
                    return
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    await self.line(line + b"\n")
        finally:
            if coming is not None:
                coming.cancel()

    def _next_due(self) -> float | None:
        now = time.monotonic()
        times = [self._began + fault.after - now for fault in self._waiting if fault.after is not None]
        if self._held_since is not None:
            times.append(self._held_since + self._shape["join"].seconds - now)
        return max(0.0, min(times)) if times else None

    async def _due(self) -> None:
        now = time.monotonic()
        if self._held_since is not None and now >= self._held_since + self._shape["join"].seconds:
            await self._release()
        for fault in list(self._waiting):
            if fault.after is not None and time.monotonic() >= self._began + fault.after:
                self._waiting.remove(fault)
                await self._release()
                await self._happen(fault)

    async def line(self, line: bytes) -> None:
        """Forward one line of a watch, with what is due before or within it."""
        decoded = LINE.decode(line)
        version = decoded.object.metadata.resourceVersion
        if version:
            self._memory.stands(int(version))
        if decoded.type == "BOOKMARK" and "terse" in self._shape:
            return
        bad = False
        if decoded.type == "ERROR":
            self._note("error", decoded.object.code)
            if b"arge resource version" in line:
                self._note("gone", None)
        elif "swallow" in self._shape and self._lines == self._shape["swallow"].lines and decoded.type != "BOOKMARK":
            self._lines += 1
            return
        lone = piece = False
        for fault in list(self._waiting):
            if fault.form == "deletion" and decoded.type != "DELETED":
                continue
            if fault.at_byte is None and self._lines >= fault.lines and (fault.after is None or fault.lines):
                if fault.kind == "garble":
                    if decoded.type not in ("BOOKMARK", "ERROR") and b'"the-end"' not in line:
                        self._waiting.remove(fault)
                        self._note("hurt", "garble")
                        self._memory.garbled[self._request.stream, int(version), decoded.type] = fault.form
                    continue
                self._waiting.remove(fault)
                await self._release()
                if fault.kind in ("truncate", "stall") and fault.share:
                    middle = max(1, min(len(line) - 2, int(len(line) * fault.share)))
                    await self.put(line[:middle])
                    line = line[middle:]
                await self._happen(fault)
                lone, piece = fault.form == "deletion", fault.form == "piece"
        if form := self._memory.garbled.get(
            (self._request.stream, int(version or 0), decoded.type)
        ):  # whenever it is sent
            self._note("garbled", (int(version), decoded.type))
            line, bad = spoilt_line(line, form), True
        self._lines += 1
        if piece:
            await self.put(line[: len(line) // 3])
            await self.pause(LONE)
            line = line[len(line) // 3 :]
        await self._send(line)
        if lone:
            await self.pause(LONE)
        if decoded.type == "BOOKMARK":
            self._note("bookmark", int(version))
            if (decoded.object.metadata.annotations or {}).get("k8s.io/initial-events-end") == "true":
                self._note("listed", int(version))
        elif decoded.type != "ERROR" and not bad:
            self._note("line", (int(version), decoded.type))
        await self._again(line, decoded.type)

    async def _send(self, line: bytes) -> None:
        delay = self._shape.get("delay") or self._shape.get("throttle")
        if delay is not None and not self._memory.calm and self._lines <= delay.lines:
            await self.pause(delay.seconds)
        if "join" in self._shape and not self._memory.calm:
            self._held.append(self._made(line))
            if self._held_since is None:
                self._held_since = time.monotonic()
        else:
            await self._release()
            await self.put(self._made(line))

    def _made(self, line: bytes) -> bytes:
        if "anonymous" in self._shape and line.startswith(b'{"type":"'):
            line = nameless(line)
        return self._memory.shifted(line)

    async def _again(self, line: bytes, type_: str) -> None:
        """Send a line twice (duplicate), or one of the last lines once more (replay)."""
        if type_ == "BOOKMARK" or self._memory.calm:
            return
        twice = self._shape.get("duplicate")
        if twice is not None and self._lines <= twice.lines:
            await self._send(line)
        replay = self._shape.get("replay")
        if replay is not None and type_ != "ERROR":
            self._history.append(line)
            if self._lines <= replay.lines and self._lines % 3 == 0:
                await self._send(self._history[max(0, len(self._history) - 4)])

    async def _release(self) -> None:
        """Send what was held back to be joined, as one chunk."""
        held, self._held, self._held_since = b"".join(self._held), [], None
        if held:
            await self.put(held)

    async def put(self, data: bytes) -> None:
        """Send bytes, and let happen what is due at a count of bytes."""
        for fault in sorted(
            (each for each in self._waiting if each.at_byte is not None), key=lambda each: each.at_byte
        ):
            assert fault.at_byte is not None
            if self._sent + len(data) > fault.at_byte:
                before = max(0, fault.at_byte - self._sent)
                await self._raw(data[:before])
                data = data[before:]
                self._waiting.remove(fault)
                await self._happen(fault)
        await self._raw(data)

    async def _raw(self, data: bytes) -> None:
        split = self._shape.get("split")
        while data:
            size = len(data)
            if split is not None and not self._memory.calm and self._sent < (split.at_byte or 0):
                size = 1 + (self._sent * 7 + self._lines) % 11
            part, data = data[:size], data[size:]
            self._sent += len(part)
            if self._writer.transport.is_closing():
                raise Ended
            wrapped = b"%x\r\n%s\r\n" % (len(part), part) if self.chunked else part
            if split is not None and split.how == "tcp":  # pieces within the chunk's own framing, too
                for start in range(0, len(wrapped), 3):
                    if self._writer.transport.is_closing():
                        raise Ended
                    self._writer.write(wrapped[start : start + 3])
                    await asyncio.sleep(0)
            else:
                self._writer.write(wrapped)
            await self._writer.drain()

    async def finish(self) -> None:
        """Say that the body is complete."""
        if self.chunked:
            self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _happen(self, fault: Fault) -> None:
        if self._memory.calm and fault.form != "poison":
            return
        self._note("hurt", fault.form if fault.form == "poison" else fault.kind)
        if fault.kind == "stall":
            await self.pause(fault.seconds)
            return
        if fault.kind == "error":
            self._note("error", fault.code)
            if fault.form == "too large":
                self._note("gone", None)
            whole = json.loads(told(fault))
            if fault.form in ("lines", "apart"):
                written = json.dumps(whole, indent=2).encode() + b"\n"
            elif fault.form == "bare":
                written = json.dumps(whole).encode() + b"\n"
            else:
                written = json.dumps({"type": "ERROR", "object": whole}).encode() + b"\n"
            for piece in written.splitlines(keepends=True) if fault.form == "apart" else [written]:
                await self._raw(piece)
        how = fault.how
        if how == "end" and fault.after is not None and time.monotonic() > self._began + fault.after + LATE:
            how = "rst"  # so late that it could be taken for the server's own end
        if how == "end":
            if self.chunked:
                raise Complete
            self._writer.close()
        elif how == "fin":
            self._writer.close()
        elif how == "rst":
            reset(self._writer)
        else:  # "stay": neither ended nor going on, until the recorder leaves
            await self.pause(fault.seconds)
            self._writer.close()
        raise Ended

    async def pause(self, seconds: float) -> None:
        """Forward nothing for a while; the recorder may leave meanwhile."""
        done, _ = await asyncio.wait({self._gone}, timeout=seconds)
        if done:
            raise Ended

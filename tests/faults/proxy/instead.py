"""What is answered instead of asking the API server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

from tests.faults.proxy.bodies import HALVES, expired, told
from tests.faults.proxy.fault import Fault
from tests.faults.proxy.memory import Memory
from tests.faults.proxy.request import Request


class Answer(NamedTuple):
    """An answer, of which half is sent if it is cut."""

    code: int
    body: bytes
    retry_after: int = 0
    cut: bool = False


async def instead(request: Request, faults: list[Fault], memory: Memory) -> Answer | None:
    """Return what is answered instead of asking the API server, if anything is; some faults just take time."""
    for fault in faults:
        if fault.kind == "wait":
            memory.note(request, "hurt", "wait")
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "answer":
            memory.note(request, "hurt", f"answer {fault.code}")
            memory.note(request, "status", fault.code)
            if fault.form == "too large":
                memory.note(request, "gone")
            if fault.retry_after:
                memory.note(request, "retry", fault.retry_after)
            body = b"<html><title>Busy</title></html>" if fault.form == "html" else told(fault)
            return Answer(fault.code, body, fault.retry_after, fault.form == "cut")
        elif fault.kind == "half":
            memory.note(request, "hurt", "half")
            return Answer(200, HALVES[fault.form], cut=fault.form == "cut")
        elif fault.kind == "expire":
            memory.note(request, "hurt", "expire")
            memory.note(request, "status", 410)
            if fault.form == "go on":
                memory.note(request, "moments")
            await asyncio.sleep(fault.seconds)
            return Answer(410, expired(request.query["continue"], fault.form == "go on"))
        elif fault.kind == "forgetful" and (asked := request.version) and memory.forgotten(asked, fault.seconds):
            memory.note(request, "hurt", "forgetful")
            memory.note(request, "status", 410)
            return Answer(410, told(replace(fault, code=410)))
    return None

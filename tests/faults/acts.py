"""What is done to the world while a recorder records: to the proxy, the server, etcd, the recorder and its kinds."""

from __future__ import annotations

import threading
import time
from typing import Any

from kitlib.recording import clock
from tests.faults.plan import Act
from tests.faults.proxy import Proxy
from tests.faults.recorders import write_kubeconfig
from tests.faults.workload import Workload, big
from tests.faults.world import KINDS, NAMES, PASSING, World


class Passing:
    """A kind that comes and goes with its definition, and objects of it; use it in a `with` statement.

    Parameters
    ----------
    world : World
    namespace : str
    wanted : bool
        Whether the scenario has it.
    """

    def __init__(self, world: World, namespace: str, wanted: bool) -> None:
        self._world = world
        self.namespace = namespace
        self.group = f"{namespace}.kitlib.example" if wanted else ""

    def __enter__(self) -> Passing:
        if self.group:
            self.come()
        return self

    def __exit__(self, *_: object) -> None:
        if self.group:
            self.vanish()

    @property
    def kinds(self) -> dict[str, str]:
        """All kinds that are recorded: kind by plural."""
        return {**KINDS, PASSING: "Passing"} if self.group else KINDS

    @property
    def names(self) -> tuple[str, ...]:
        """What the recorder is asked for."""
        return (*NAMES, f"{PASSING}.{self.group}") if self.group else NAMES

    def come(self) -> None:
        """Have it, and objects of it."""
        self._world.define(self.group)
        with self._world.api() as api:
            Workload(api, self.namespace, [], self.group).passings(3)

    def vanish(self) -> None:
        """Have it no more, nor its objects."""
        self._world.undefine(self.group)


class Acts:
    """Does what is to be done to the world, at its times, in a thread of its own."""

    def __init__(self, acts: tuple[Act, ...], proxy: Proxy, world: World, recorder: Any, passing: Passing) -> None:
        self._acts = acts
        self._namespace = passing.namespace
        self._passing = passing
        self._proxy = proxy
        self._world = world
        self._recorder = recorder
        self._command: list[str] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acts", daemon=True)
        self.done: list[str] = []
        self.killed_ns: int | None = None
        self.stopped = False
        self.error: Exception | None = None

    def __enter__(self) -> Acts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=90)
        self._after()

    def finish(self, timeout: float) -> None:
        """Wait until all is done."""
        self._thread.join(timeout=timeout)
        if self.error is not None:
            raise self.error
        if self._thread.is_alive():
            raise TimeoutError(f"what is done to the world is not done after {timeout:.0f} s: {self.done}")

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for act in self._acts:
                if self._stop.wait(max(0.0, began + act.at - time.monotonic())):
                    return
                self._do(act)
                self.done.append(act.what)
        except Exception as error:
            self.error = error

    def _do(self, act: Act) -> None:
        if act.what == "close":
            self._proxy.close_door()
        elif act.what == "open":
            self._proxy.open_door()
        elif act.what == "reset":
            self._proxy.reset()
        elif act.what in ("forbid", "permit"):
            self._proxy.forbid(act.what == "forbid")
        elif act.what == "compact":
            self._world.etcd.compact(self._world.etcd.revision())
        elif act.what == "clock":
            self._recorder.step_clock(act.value)
        elif act.what == "kill":
            self.killed_ns = clock.monotonic_ns()
            self._recorder.kill()
        elif act.what == "burst":
            with self._world.api() as api:
                Workload(api, self._namespace, big(int(act.value))).run(self._stop)
        elif act.what == "move":
            self._proxy.move()
            write_kubeconfig(self._recorder.order.kubeconfig, self._proxy.url)
        elif act.what == "rewind":
            self._proxy.rewind()
        elif act.what == "upset":
            self._recorder.recording.armed = True
        elif act.what == "stop":
            self._recorder.stop()
            self.stopped = True
        elif act.what == "rest":
            self._stop.wait(act.value)
        elif act.what == "vanish":
            self._passing.vanish()
        elif act.what == "return":
            self._passing.come()
        elif act.what == "kill-server":
            self._command = self._world.kill_api_server()
        elif act.what == "start-server":
            assert self._command is not None
            self._world.start_api_server(self._command)
            self._command = None

    def _after(self) -> None:
        """Leave no API server dead that others need."""
        if self._command is not None:
            self._world.start_api_server(self._command)
            self._command = None

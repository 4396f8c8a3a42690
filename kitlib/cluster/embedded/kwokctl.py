"""The programs of a control plane as processes of this user, which kwokctl starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kitlib.cluster.embedded import logs
from kitlib.errors import ClusterError
from kitlib.files import write_private
from kitlib.machine import processes
from kitlib.machine.versions import Release

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")


@dataclass(frozen=True)
class Plane:
    """The processes of one control plane, whether they run or not.

    Parameters
    ----------
    home : Path
        The cluster's folder.
    name : str
        The cluster's name.
    """

    home: Path
    name: str

    @property
    def work(self) -> Path:
        """The folder that kwokctl makes: certificates, logs, numbers of processes."""
        return self.home / "kwok" / "clusters" / self.name

    @property
    def beside(self) -> Path:
        """The folder with the numbers of processes that run beside Kubernetes' own."""
        return self.home / "beside"

    def parts(self) -> dict[str, str]:
        """Tell of each component whether it is "alive", "dead" or "absent" (not started); and of what runs beside."""
        own = {part: _state(self.work / "pids" / f"{part}.pid", self.work / "bin" / part) for part in COMPONENTS}
        return own | {pid.stem: _state(pid, self.home / "bin" / pid.stem) for pid in sorted(self.beside.glob("*.pid"))}

    def not_alive(self) -> list[str]:
        """Return the components that don't live."""
        return [part for part, state in self.parts().items() if state != "alive"]

    def start(self, wanted: Release, until: float) -> None:
        """Let kwokctl make certificates and start all components.

        To learn whether the API server serves, kwokctl would start kubectl five times a second, which costs more than
        the answer is worth while everything else starts: it is given a `kubectl` that says yes, and `Readiness` asks.
        """
        home = self.home
        arguments = ["--runtime", "binary", "--config", str(home / "kwokctl" / "config.yaml"), "--kubeconfig", ""]
        for program in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            arguments += [f"--{program}-binary", str(home / "bin" / program)]
        arguments += ["--kwok-controller-binary", str(home / "bin" / "kwok")]
        (home / "kwokctl" / "kubectl").symlink_to(shutil.which("true") or "/usr/bin/true")
        (home / "log" / "kwokctl.log").touch(mode=0o600)
        self._kwokctl(["create", "cluster", *arguments], wanted, until)

    def start_anew(self, part: str, wanted: Release, until: float) -> None:
        """Start one component anew, whether it lives or not."""
        path = self.work / "bin" / part
        processes.end([pid for pid, program in processes.below(path.parent).items() if program == str(path)])
        (self.work / "pids" / f"{part}.pid").unlink(missing_ok=True)  # or its zombie counts as running
        self._kwokctl(["start", "cluster"], wanted, until)

    def start_beside(self, program: str, arguments: list[str], environment: dict[str, str]) -> None:
        """Start a program of the cluster's folder that isn't Kubernetes' own; it ends when the cluster is taken down.

        Parameters
        ----------
        program : str
            Its name in the folder bin/, and that of its log.
        arguments : list of str
        environment : dict
            All of its environment.
        """
        log = self.home / "log" / f"{program}.log"
        log.touch(mode=0o600)
        with log.open("ab") as out:
            child = subprocess.Popen(
                [str(self.home / "bin" / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.home,
                env=environment,
                start_new_session=True,
                umask=0o077,
            )
        self.beside.mkdir(mode=0o700, exist_ok=True)
        write_private(self.beside / f"{program}.pid", str(child.pid))

    def impatient(self) -> bool:
        """Say whether the controller manager gave up on the API server: in 2020 it waited for 10 s, and no longer."""
        log = self.work / "logs" / "kube-controller-manager.log"
        return any("failed to wait for apiserver being healthy" in reason for reason in logs.complaints([log]))

    def complaints(self) -> list[str]:
        """Return what the components, kwokctl and what runs beside say in their logs about what went wrong."""
        names = ("kwokctl", *sorted(pid.stem for pid in self.beside.glob("*.pid")))
        found = [*sorted((self.work / "logs").glob("*.log")), *(self.home / "log" / f"{name}.log" for name in names)]
        return logs.complaints(found)

    def _kwokctl(self, arguments: list[str], wanted: Release, until: float) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("KWOK_")}
        environment |= {
            "KWOK_WORKDIR": str(self.home / "kwok"),
            "KWOK_KUBE_VERSION": f"v{wanted.kubernetes}",
            "KWOK_ETCD_VERSION": wanted.etcd,
            "PATH": f"{self.home / 'kwokctl'}{os.pathsep}{environment.get('PATH', os.defpath)}",
            "KUBECONFIG": os.devnull,
        }
        with (self.home / "log" / "kwokctl.log").open("ab") as out:
            child = subprocess.Popen(
                [str(self.home / "bin" / "kwokctl"), *arguments, "--name", self.name],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                umask=0o077,
            )
            try:
                code = child.wait(until - time.monotonic())
            except subprocess.TimeoutExpired as error:
                raise ClusterError("kwokctl did not end in time.") from error
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
        if code:
            raise ClusterError(f"kwokctl ended with {code}.")


def _state(noted: Path, program: Path) -> str:
    try:
        pid = int(noted.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "absent"
    return "alive" if processes.running(pid, program) else "dead"

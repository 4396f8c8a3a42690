"""In a Pod: when its service account is taken, and how; a real kubectl does the same."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kitlib import cluster
from kitlib.api import incluster
from kitlib.api import kubeconfig as kubeconfigs
from kitlib.api.transport import Connection
from kitlib.errors import KitlibError, UsageError
from tests.api.beside_kubectl import World
from tests.api.noting import Server, config

Make = Callable[["Pod"], Any]
ASKED = (True, [("/version", "", "", (("authorization", ("Bearer its-own",)),))])
OF_A_FILE = (True, [("/version", "", "", (("authorization", ("Bearer t",)),))])
NOBODY = (False, [])


@dataclass
class Pod:
    """What a Pod sees: its service account's folder, its variables, and both programs."""

    account: Path
    world: World

    def by_kubectl(self) -> tuple[bool, list[tuple[object, ...]]]:
        """Ask by kubectl, which sees the folder where Pods have it: in mounts of its own."""
        where = shlex.quote(str(self.account))
        run = incluster.FOLDER.resolve().parent
        while not run.exists():
            run = run.parent
        mount = f"mount -t tmpfs none {run} && mkdir -p {incluster.FOLDER} && cp -r {where}/. {incluster.FOLDER}"
        self.world.script(
            "kubectl-in-pod", f'unshare --mount sh -c \'{mount} && exec "$@"\' - {self.world._kubectl} "$@"'
        )
        before, self.world._kubectl = self.world._kubectl, str(self.world.folder / "kubectl-in-pod")
        try:
            return self.world.by_kubectl()
        finally:
            self.world._kubectl = before


@pytest.fixture
def pod(tmp_path: Path, keys: Path, kubectl: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("its-own\n")
    (account / "namespace").write_text("shop")
    shutil.copy(keys / "ca.crt", account)
    monkeypatch.setattr(incluster, "FOLDER", account)
    with Server(keys) as server:
        world = World(tmp_path, keys, server, kubectl, monkeypatch)
        world.environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port)}
        yield Pod(account, world)


def having(**about: object) -> Make:
    """Return what writes a kubeconfig file to ~/.kube/config, which has a context "x", with changes."""
    return lambda pod: pod.world.write(".kube/config", {**config(pod.world.server.cluster()), **about})


CASES: dict[str, tuple[Make, tuple[bool, list[Any]]]] = {
    "no kubeconfig": (lambda pod: None, ASKED),
    "KUBECONFIG names a file that is not there": (lambda pod: pod.world.use(pod.world.folder / "none"), ASKED),
    "an empty file": (lambda pod: pod.world.write(".kube/config", ""), ASKED),
    "a file that names no current context": (having(**{"current-context": ""}), ASKED),
    "a file that names one": (having(), OF_A_FILE),
    "a file that names one that is not there": (having(**{"current-context": "y"}), NOBODY),
    "a broken file": (lambda pod: pod.world.write(".kube/config", "{"), NOBODY),
    "no port": (lambda pod: pod.world.environ.pop("KUBERNETES_SERVICE_PORT"), NOBODY),
    "no host": (lambda pod: pod.world.environ.pop("KUBERNETES_SERVICE_HOST"), NOBODY),
    "no token": (lambda pod: (pod.account / "token").unlink(), NOBODY),
    "no authority: this machine's own count": (lambda pod: (pod.account / "ca.crt").unlink(), NOBODY),
    "no namespace": (lambda pod: (pod.account / "namespace").unlink(), ASKED),
}


@pytest.mark.parametrize("what", CASES)
def test_whom_kitlib_asks(what: str, pod: Pod) -> None:
    make, right = CASES[what]
    make(pod)
    assert pod.world.by_kitlib() == right, pod.world.error


@pytest.mark.parametrize("what", CASES)
def test_kubectl_does_the_same(what: str, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    make, right = CASES[what]
    make(pod)
    monkeypatch.undo()
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a service account's folder can be mounted by root only: run the tests as root")
    assert pod.by_kubectl() == right, pod.world.told


def test_its_context_has_a_name_for_the_command(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pod.world.by_kitlib("in-cluster") == ASKED
    found = cluster.context("in-cluster")
    assert not found.writable and found.connect().server == pod.world.server.url
    pod.world.write(".kube/config", config(pod.world.server.cluster()))
    with pytest.raises(UsageError, match=r"no context 'in-cluster'[\s\S]*use one of: x"):
        cluster.context("in-cluster")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    (pod.world.folder / ".kube" / "config").unlink()
    with pytest.raises(UsageError, match="no context 'in-cluster'"):
        cluster.context("in-cluster")


def test_its_namespace_is_where_one_looks(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pod.world.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(pod.world.folder))
    assert kubeconfigs.read().context().namespace == "shop"
    monkeypatch.setenv("POD_NAMESPACE", "till")
    assert kubeconfigs.read().context().namespace == "till"


def test_a_new_token_is_read_after_the_old_one_is_refused(pod: Pod) -> None:
    def answer(handler: Any) -> bool:
        if handler.headers["Authorization"] == "Bearer its-own":
            (pod.account / "token").write_text("new")
            handler.json({"kind": "Status", "code": 401, "message": "it is over"}, 401)
            return True
        return False

    with Server(pod.world.keys, answer) as server:
        pod.world.server = server
        pod.world.environ["KUBERNETES_SERVICE_PORT"] = str(server.port)
        answered, asked = pod.world.by_kitlib()
    assert answered and [dict(each[3])["authorization"] for each in asked] == [("Bearer its-own",), ("Bearer new",)]


def test_an_address_of_ipv6_stands_in_brackets(pod: Pod) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    assert incluster.entries(environ)[1]["server"] == "https://[fd00::1]:443"


def test_the_folder_is_where_the_kubelet_puts_it() -> None:
    assert os.fspath(incluster.FOLDER) == "/var/run/secrets/kubernetes.io/serviceaccount"


def test_a_file_that_was_named_is_never_replaced_by_it(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pod.world.environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(KitlibError, match="no such file"):
        Connection(pod.world.folder / "none")

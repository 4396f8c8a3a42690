"""How each client lists Pods into a DataFrame and watches them: kitlib, the clients that people use, and the limits.

Each function imports and connects, and returns what is measured. Clients page, compress and time out as they do by
default; what a caller has to write is written as their documentation shows it.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from benchmarks._contest import Run
from benchmarks._rows import frame, of_dict, of_lightkube, of_official

PAGE = 500
"""Pods a page, where a limit is measured in the pages that kitlib asks for."""

# Lists: what is measured returns a frame, or how many Pods there were.


class _List(msgspec.Struct):
    items: list[msgspec.Raw]


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


def list_kitlib(kubeconfig: Path) -> Run:
    """Return kitlib's way: `snapshot(…).frames.pods`."""
    from kitlib.api.transport import Connection
    from kitlib.watch import snapshot

    connection = Connection(kubeconfig)
    connection.discover("pods")
    return lambda: snapshot(connection, ["pods"]).frames.pods


def list_official(kubeconfig: Path) -> Run:
    """Return the official client's typed list, and its columns."""
    from kubernetes import client, config

    core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
    return lambda: frame(of_official(pod) for pod in core.list_pod_for_all_namespaces().items)


def list_kr8s(kubeconfig: Path, raw: bool = False) -> Run:
    """Return kr8s' list, and its columns; `raw` makes no objects, just dicts."""
    kr8s, api = _kr8s(kubeconfig)
    if raw:
        return lambda: frame(map(of_dict, api.get("pods", namespace=kr8s.ALL, raw=True)))
    return lambda: frame(of_dict(pod.raw) for pod in api.get("pods", namespace=kr8s.ALL))


def _kr8s(kubeconfig: Path) -> tuple[Any, Any]:
    import warnings

    import kr8s

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it wasn't tested with this Kubernetes
        return kr8s, kr8s.api(kubeconfig=str(kubeconfig))


def list_lightkube(kubeconfig: Path) -> Run:
    """Return lightkube's typed list, and its columns."""
    from lightkube import Client, KubeConfig
    from lightkube.resources.core_v1 import Pod

    client = Client(KubeConfig.from_file(str(kubeconfig)), trust_env=False)
    return lambda: frame(of_lightkube(pod) for pod in client.list(Pod, namespace="*"))


def list_orjson(kubeconfig: Path, columns: bool = False) -> Run:
    """Return: get the bytes and decode everything with orjson; make the columns of it only if told to."""
    import orjson

    pages = _pages(kubeconfig)

    def run() -> Any:
        pods = [pod for body in pages() for pod in orjson.loads(body)["items"]]
        return frame(map(of_dict, pods)) if columns else pods

    return run


def list_bytes(kubeconfig: Path, ours: bool = False) -> Run:
    """Return: get the bytes, nothing else, by urllib3 or by kitlib's own connection."""
    pages = _pages(kubeconfig, ours)
    return lambda: sum(body.count(b'{"metadata":{"name":') for body in pages())


def list_split(kubeconfig: Path, ours: bool = False) -> Run:
    """Return: get the bytes and split them into items, without decoding these."""
    decode = msgspec.json.Decoder(_List).decode
    pages = _pages(kubeconfig, ours)
    return lambda: [bytes(item) for body in pages() for item in decode(body).items]


def list_record(kubeconfig: Path) -> Run:
    """Return: record the list in memory, as kitlib does before anything is decoded."""
    from kitlib.api.transport import Connection
    from kitlib.watch import snapshot

    connection = Connection(kubeconfig)
    connection.discover("pods")
    return lambda: len(snapshot(connection, ["pods"]))


def _pages(kubeconfig: Path, ours: bool = False) -> Callable[[], Iterator[bytes]]:
    """Return what yields the bodies of a list of Pods page by page."""
    from kubernetes import config

    from kitlib.api.transport import Connection

    path = "/api/v1/pods"
    get: Callable[[str], bytes]
    if ours:
        connection = Connection(kubeconfig)

        def get(query: str) -> bytes:
            return connection.request("GET", path + query)
    else:
        api = config.new_client_from_config(str(kubeconfig))
        pool = api.rest_client.pool_manager  # urllib3's, with the certificates of the kubeconfig

        def get(query: str) -> bytes:
            return pool.request("GET", api.configuration.host + path + query).data

    more = re.compile(rb'"continue":"([^"]+)"')

    def pages() -> Iterator[bytes]:
        query = f"?limit={PAGE}"
        while True:
            body = get(query)
            yield body
            left = more.search(body[:300])
            if left is None:
                return
            query = f"?limit={PAGE}&continue={left.group(1).decode()}"

    return pages


# Watches: what is measured reads `count` rows and returns how many it has read.


def watch_kitlib(kubeconfig: Path, count: int, folder: Path | None = None) -> Run:
    """Return kitlib's recorder on one kind, in memory, or on disk where there is a folder (which it makes)."""
    from kitlib.api.transport import Connection
    from kitlib.recording import Recording
    from kitlib.watch import Recorder

    connection = Connection(kubeconfig)
    connection.discover("pods")

    def run() -> int:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        recording = Recording() if folder is None else Recording.create(folder)
        with recording, Recorder(connection, ["pods"], recording) as recorder:
            recorder.wait_for(lambda: recorder.counts()["rows"] >= count, timeout=300)
            received = recorder.counts()["rows"]
        return received

    return run


def watch_official(kubeconfig: Path, count: int) -> Run:
    """Return the official Watch, which makes a typed object of each row."""
    from kubernetes import client, config, watch

    core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))

    def run() -> int:
        following = watch.Watch()
        for number, _ in enumerate(following.stream(core.list_pod_for_all_namespaces, resource_version="0"), 1):
            if number == count:
                following.stop()
        return number

    return run


def watch_kr8s(kubeconfig: Path, count: int) -> Run:
    """Return kr8s' watch."""
    kr8s, api = _kr8s(kubeconfig)

    def run() -> int:
        return sum(1 for _ in itertools.islice(api.watch("pods", namespace=kr8s.ALL, since="0"), count))

    return run


def watch_lightkube(kubeconfig: Path, count: int) -> Run:
    """Return lightkube's watch, which makes a typed object of each row."""
    from lightkube import Client, KubeConfig
    from lightkube.resources.core_v1 import Pod

    client = Client(KubeConfig.from_file(str(kubeconfig)), trust_env=False)
    return lambda: sum(1 for _ in itertools.islice(client.watch(Pod, namespace="*", resource_version="0"), count))


def watch_lines(kubeconfig: Path, count: int, split: bool = False, ours: bool = False) -> Run:
    """Return the limit: the lines of a watch alone; `split` takes type and object apart, too.

    Parameters
    ----------
    kubeconfig, count
        Where, and how many.
    split : bool
        Whether each line is split into its type and its object, neither of them decoded.
    ours : bool
        Whether kitlib's own connection receives them, or urllib3.
    """
    from kubernetes import config

    from kitlib.api.transport import Connection

    decode = msgspec.json.Decoder(_Line).decode
    if ours:
        connection = Connection(kubeconfig)
    else:
        api = config.new_client_from_config(str(kubeconfig))
        url = f"{api.configuration.host}/api/v1/pods?watch=1&resourceVersion=0"

    def run() -> int:
        kept: list[bytes] = []
        if ours:
            stream = connection.stream("/api/v1/pods", {"resourceVersion": "0"})
            received, close = stream.chunks(), stream.close
        else:
            response = api.rest_client.pool_manager.request("GET", url, preload_content=False)
            received, close = _lines(response.stream(2**16)), response.close
        for lines in received:
            kept += [bytes(decode(line).object) for line in lines] if split else lines
            if len(kept) >= count:
                break
        close()
        return len(kept)

    return run


def _lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield lines


def installed(module: str) -> bool:
    """Say whether a client can be imported here; `make bench` installs all of them."""
    return find_spec(module) is not None

"""The loopback address, the only one that kitlib listens on, and its ports."""

from __future__ import annotations

import socket

from kitlib.errors import ClusterError

ADDRESS = "127.0.0.1"


def free_ports(count: int, wanted: dict[str, int] | None = None) -> list[int]:
    """Pick ports on the loopback address that nothing listens on.

    Parameters
    ----------
    count : int
    wanted : dict, optional
        Port by purpose, for those that must be just so; they come first.

    Raises
    ------
    ClusterError
        A wanted port is in use.
    """
    sockets = []
    try:
        for purpose, port in {**(wanted or {}), **{f"free {n}": 0 for n in range(count - len(wanted or {}))}}.items():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((ADDRESS, port))
            except OSError as error:
                raise ClusterError(
                    f"port {port} on {ADDRESS} is in use ({error.strerror}).",
                    step="choose a port",
                    object=purpose,
                    next="unset KITLIB_PORT to let kitlib pick a free one, or end the program that listens there",
                ) from error
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()

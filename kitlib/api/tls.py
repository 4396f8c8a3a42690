"""The secure side of a connection: whom it trusts, and the client's certificate; keys are never written to a disk.

An authority is checked as kubectl checks it, whatever Python's version: certificates of which Python 3.13 says that
they lack a key identifier, or mark something not as critical, are good enough for both. Any certificate of the
kubeconfig is an authority by itself, and a server's name is looked for among its alternative names only.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kitlib.errors import ClusterError

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


def material(entry: Mapping[str, Any], key: str) -> bytes:
    """Return what a kubeconfig's entry holds under "KEY-data", or the file that it names under "KEY"; or nothing.

    Raises
    ------
    ClusterError
        If it can't be read.
    """
    try:
        if data := entry.get(f"{key}-data"):
            return base64.b64decode("".join(str(data).split()), validate=True)
        return Path(str(entry[key])).read_bytes() if entry.get(key) else b""
    except (OSError, binascii.Error) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is not base64: {error}"
        raise _unusable(f"{key} can't be read: {why}", str(entry.get(key) or f"{key}-data")) from error


def trust(cluster: Mapping[str, Any]) -> ssl.SSLContext:
    """Return the settings of a secure connection to a cluster, without a client's certificate.

    Parameters
    ----------
    cluster : mapping
        A kubeconfig's entry: its authority, by default those of this machine, and whether it is checked at all.

    Raises
    ------
    ClusterError
        If the authority can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    if cluster.get("insecure-skip-tls-verify") in (True, "true"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
    if authority := material(cluster, "certificate-authority"):
        found = b"\n".join(_CERTIFICATE.findall(authority))
        try:
            context.load_verify_locations(cadata=found.decode("ascii"))
        except (ssl.SSLError, ValueError) as error:
            raise _unusable("certificate-authority holds no certificate", "certificate-authority") from error
    else:
        context.load_default_certs()
    return context


def present(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Have a connection show a client's certificate.

    Raises
    ------
    ClusterError
        If they can't be read, the key is encrypted, or they don't belong together.
    """
    try:
        with _as_file(certificate) as shown, _as_file(key) as secret:
            context.load_cert_chain(shown, secret, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        why = "the key is encrypted, or is none" if "PEM" in str(error) or "decrypt" in str(error) else str(error)
        if "MISMATCH" in str(error).upper():
            why = "the key is not the certificate's"
        raise _unusable(f"the client's certificate can't be used: {why}", "client-certificate, client-key") from error


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Give bytes a path, for OpenSSL, which reads files only: of memory, or of a pipe; nothing ever lies on a disk."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("kitlib"), "wb") as memory:
            memory.write(data)
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
        return
    reading, writing = os.pipe()

    def write() -> None:
        try:
            with open(writing, "wb") as file:
                file.write(data)
        except OSError:  # it was not read up to its end
            pass

    thread = threading.Thread(target=write, daemon=True)  # a pipe holds 64 KiB at once
    thread.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        thread.join()


def _unusable(what: str, where: str) -> ClusterError:
    return ClusterError(what, step="read the kubeconfig", object=where, next="mend that entry of the kubeconfig")

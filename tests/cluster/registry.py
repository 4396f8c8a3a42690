"""A container registry that only gives: it serves an OCI layout, on 127.0.0.1, and says on which port."""

from __future__ import annotations

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LAYOUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Handler(BaseHTTPRequestHandler):
    """Answers what a client asks when it pulls an image by its digest."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(False)

    def do_GET(self) -> None:
        self.answer(True)

    def answer(self, whole: bool) -> None:
        if self.path.rstrip("/") == "/v2":
            return self.send(200, b"{}", "application/json", whole)
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/sha256:([0-9a-f]{64})", self.path)
        path = LAYOUT / "blobs" / "sha256" / found.group(3) if found else Path("/nowhere")
        if not found or not path.is_file():
            missing = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})
            return self.send(404, missing.encode(), "application/json", whole)
        kind = MANIFEST if found.group(2) == "manifests" else "application/octet-stream"
        self.send(200, path.read_bytes(), kind, whole, f"sha256:{found.group(3)}")

    def send(self, status: int, data: bytes, kind: str, whole: bool, digest: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if whole:
            self.wfile.write(data)

    def log_message(self, *words: object) -> None:
        return None


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()

"""A small build folder as a walk leaves it: two executed notebooks and their claims, with hostile text everywhere."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

HOSTILE = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
WORDS = (
    "Deployment web, image v1 to v2, 6 replicas. At most 8 Pods counted and at least 5 were available throughout. "
    "The last old Pod was gone 8.2 seconds after the template changed."
)


def png(width: int = 320, height: int = 200) -> bytes:
    """Return a picture of two bars on a transparent ground."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    blue, orange, none = b"\x00\x72\xb2\xff", b"\xd5\x5e\x00\xff", b"\x00\x00\x00\x00"
    rows = b""
    for y in range(height):
        split = width * y // height
        rows += b"\x00" + (none * width if y < 20 else blue * split + orange * (width - split))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def prose(source: str) -> dict[str, Any]:
    """Return a Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def cell(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an executed code cell."""
    return {
        "cell_type": "code",
        "execution_count": 3,
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": list(outputs),
    }


def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a display_data output."""
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    """Return a stream output."""
    return {"output_type": "stream", "name": name, "text": text}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook of format 4 with a Python kernel."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": list(cells), "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def frame(rows: int = 6, hostile: str = "") -> str:
    """Return a wide table as pandas writes one."""
    names = ["observed_at", "resourceVersion", "type", "namespace", "name", "phase", "state", "ready", "nodeName"]
    names += ["podIP", "pod-template-hash", "owner.kind", "owner.name", "creationTimestamp"]
    head = "".join(f"<th>{name}</th>" for name in names)
    values = ["2026-11-24 12:00:01.123456+00:00", "4711", "MODIFIED", "deployment-x7k2p", "web-7d4bf8c9d5-kxfnb"]
    values += ["Running", "Ready", "True", "node-1", "10.0.0.17", "7d4bf8c9d5", "ReplicaSet", "web-7d4bf8c9d5"]
    values += ["2026-11-24 12:00:00+00:00"]
    row = "".join(f"<td>{value}</td>" for value in values)
    body = "".join(f"<tr><th>{place}</th>{row}</tr>" for place in range(rows))
    style = "<style scoped>.dataframe tbody tr th {vertical-align: top;}</style>"
    return (
        f'<div>{style}<table border="1" class="dataframe"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{hostile}</div>"
    )


def claim_output(name: str, text: str) -> dict[str, Any]:
    """Return the output in which a notebook shows a claim."""
    html = (
        f"<div class='kitlib-claim kitlib-holds' data-claim='{name}'><span class='kitlib-verdict'>✓ holds</span> "
        f"<span class='kitlib-text'>{text}</span><span class='kitlib-source'> note: Deployment</span>"
        "<details><summary>evidence · 20 of 117 rows</summary><p>The highest count was 8.</p>"
        f"<div class='kitlib-scroll'>{frame(3)}</div></details></div>"
    )
    return shown({"text/html": html, "text/plain": text})


def changed() -> dict[str, Any]:
    """Return the output of a word that changed an object."""
    html = (
        "<div class='kitlib-change'><strong>deployment.apps/web</strong> configured<table class='kitlib-diff'><tr>"
        "<td><code>spec.template.spec.containers[0].image</code></td><td><code>registry.example/web:v1</code></td>"
        "<td>→</td><td><code>registry.example/web:v2</code></td></tr></table>"
        "<pre class='kitlib-kubectl'>$ kubectl apply --server-side -f manifests/web-v2.yaml</pre></div>"
    )
    return shown({"text/html": html, "text/plain": "deployment.apps/web configured"})


def manifest() -> dict[str, Any]:
    """Return the output that shows a manifest."""
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 6 # as many as that\n"
    html = f"<pre class='kitlib-manifest'><code class='language-yaml'>{text}</code></pre>"
    return shown({"text/html": html, "text/plain": text})


def claims() -> dict[str, Any]:
    """Return a notebook's claims: one of each verdict, one not expected, one hostile."""
    common = {"notebook": "deployment", "version": "1.37", "provider": "embedded", "date": "2026-11-24"}

    def claim(name: str, text: str, verdict: str, **more: Any) -> dict[str, Any]:
        evidence = more.pop("evidence", [{"resourceVersion": 4711, "total": 8, "upper": 8, "available": 5, "lower": 5}])
        row = {"id": name, "text": text, "source": "note: Deployment", "verdict": verdict, "expected": "holds"}
        row |= {"why": "", "instead": None, "evidence": evidence, "evidence_rows": len(evidence)}
        return {**row, **common, **more}

    rows = [
        claim("deployment/owner-chain", "Creating a Deployment makes a ReplicaSet, which makes the Pods", "holds"),
        claim(
            "never-above",
            "At no resourceVersion are there more Pods than replicas + maxSurge",
            "holds",
            why="The highest count was 8, at resourceVersion 4711; 8 are allowed.",
            evidence_rows=117,
        ),
        claim(
            "rollback-moves",
            "A rollback brings the old revision back under its old number",
            "fails",
            expected="fails",
            instead="A rollback gives the old template a new revision; the old number is gone.",
        ),
        claim("old-psp", "PodSecurityPolicy is a resource of the cluster", "changed", expected="changed"),
        claim("no-traffic", "No request is lost while Pods change", "unknown", expected="unknown", evidence=[]),
        claim("planted", "Recreate never leaves the Deployment without a Pod", "fails", why="None for 1.2 s."),
        claim("hostile", f"A name is text: {HOSTILE}", "holds", source=HOSTILE, evidence=[{HOSTILE: HOSTILE}]),
    ]
    return {**common, "release": "v1.37.2", "complete": True, "claims": rows}


def write(build: Path, figure: bytes | None = None) -> Path:
    """Write the sample into a build folder and return it."""
    drawn = figure or png()
    image = base64.b64encode(drawn).decode()
    width, height = struct.unpack(">II", drawn[16:24])
    size = {"image/png": {"width": width, "height": height, "alt": WORDS.split(". ")[0]}}
    picture = shown({"image/png": image, "text/plain": WORDS.split(". ")[0]}, size)
    words = f"<details class='kitlib-twin'><summary>The figure in words</summary><pre>{WORDS}</pre></details>"
    twin = shown({"text/html": words, "text/plain": WORDS})
    start = notebook(
        prose("# Look around\n\nTen minutes. Go on with [the Deployment](deployment.ipynb#Change-the-image)."),
        prose("## The cluster you are on"),
        cell("%load_ext kitlib\nlab = kitlib.open('start')", printed("embedded-1.37: 3 nodes\n")),
    )
    deployment = notebook(
        prose("# Roll out, roll back\n\nWhat you'll do, learn and need. [Set up](../docs/set-up.md) first."),
        prose("## Change the image\n\nPredict: how many Pods are there at most?\n\n- six\n- eight\n"),
        cell('lab.show("manifests/web-v2.yaml")', manifest()),
        cell(
            'with lab.step("change the image") as step:\n    lab.apply("manifests/web-v2.yaml")\n'
            '    lab.wait("deployment/web", rolled_out=True)',
            changed(),
            printed("rolling out · 40%\rrolled out (8.2 s)\n"),
            printed("a \x1b[31mwarning\x1b[0m of the server\n", "stderr"),
        ),
        cell("plots.story(step.frames)", picture, twin, tags=("cover",)),
        cell(
            'claim("Creating a Deployment makes a ReplicaSet, which makes the Pods", chain)',
            claim_output("deployment/owner-chain", "Creating a Deployment makes a ReplicaSet, which makes the Pods"),
        ),
        cell("step.frames.pods", shown({"text/html": frame(hostile=HOSTILE), "text/plain": "table"})),
        prose(
            "## Exercise\n\n<details><summary>Solution</summary>\n\n```python\nlab.patch(replicas=3)\n```\n\n</details>"
        ),
        cell(
            "1 / 0",
            {
                "output_type": "error",
                "ename": "ZeroDivisionError",
                "evalue": "division by zero",
                "traceback": ["\x1b[31mZeroDivisionError\x1b[0m: division by zero"],
            },
        ),
    )
    (build / "notebooks").mkdir(parents=True, exist_ok=True)
    (build / "claims").mkdir(parents=True, exist_ok=True)
    for name, document in (("start", start), ("deployment", deployment)):
        (build / "notebooks" / f"{name}.ipynb").write_text(json.dumps(document), encoding="utf-8")
    (build / "claims" / "deployment.json").write_text(json.dumps(claims()), encoding="utf-8")
    return build

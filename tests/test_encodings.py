"""Files that kitlib writes are read as they were written, whatever the locale's encoding: as UTF-8."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
KEYED = {"assemble.py", "debs.py", "images.py", "making.py", "modules.py", "oci.py", "sbom.py"}
"""Their own text names what is kept in the cache; what they read and write is ASCII."""
SOURCES = [path for root in ("kitlib", "tools") for path in sorted((CHECKOUT / root).rglob("*.py"))]
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONPATH": str(CHECKOUT)}


def unsaid(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of calls whose text is in the locale's encoding, because they name none."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        words = {word.arg for word in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = [each.value for each in node.args if isinstance(each, ast.Constant)]
        modes = [each for each in first if isinstance(each, str) and set(each) <= set("rwaxbt+") and each]
        opened = name == "open" and (modes and "b" not in modes[-1]) and "kubernetes" not in words
        plain = (name, len(node.args)) in (("read_text", 0), ("write_text", 1))
        piped = bool(words & {"text", "universal_newlines"}) and name in ("run", "Popen", "check_output")
        others = ast.unparse(node.func).startswith(("formatter.", "tarfile."))
        if (opened or plain or piped) and "encoding" not in words and not others:
            yield node.lineno


def test_every_text_has_its_encoding_said():
    found = [
        f"{path.relative_to(CHECKOUT)}:{line}"
        for path in SOURCES
        if path.name not in KEYED
        for line in unsaid(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, found
    assert len(SOURCES) > 200


@pytest.mark.parametrize(
    "text", ["p.read_text()", "p.write_text(x)", 'open(p, "w")', 'p.open("a")', "subprocess.run(x, text=True)"]
)
def test_what_says_none_is_found(text):
    assert list(unsaid(ast.parse(text))) == [1]


READS = {
    "mkdocs.yml": ("nav: [{部署: b.ipynb}, a.ipynb]\n", "kitlib.walk.lessons", "reading_order", ["b", "a"]),
    "cluster.json": ('{"name": "部署"}\n', "kitlib.cluster.identity", "notes", {"name": "部署"}),
}


@pytest.mark.parametrize("name", READS)
def test_chinese_is_read_where_the_locale_knows_ascii_alone(tmp_path, name):
    text, module, function, read = READS[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    for each in "ab":
        (tmp_path / "notebooks" / f"{each}.ipynb").touch()
    code = f"import json, pathlib; from {module} import {function} as it; print(json.dumps(it(pathlib.Path.cwd())))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=tmp_path, env={**os.environ, **ASCII}, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == read

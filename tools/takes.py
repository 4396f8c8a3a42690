"""Write docs/what-kitlib-takes.md from the tests: each test's name is a line, and the cases that it tries stand below.

Run it as `python tools/takes.py` after adding or renaming such a test; a test fails while the page is stale.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "what-kitlib-takes.md"
HEAD = """\
# What kitlib takes

kitlib meets what people have: kubeconfigs of several authors, proxies, manifests, terminals, notebooks. What is right
there is a list of tests, and this page is that list: `tools/takes.py` writes it from their names. Tables of the fields
of a [kubeconfig and of networks](kubeconfig.md) stand on a page of their own.
"""
NAMES = {
    "api": "API",
    "ascii": "ASCII",
    "debian": "Debian",
    "html": "HTML",
    "http": "HTTP",
    "https": "HTTPS",
    "ipv6": "IPv6",
    "jupyter": "Jupyter",
    "json": "JSON",
    "markdown": "Markdown",
    "matplotlib": "Matplotlib",
    "oidc": "OIDC",
    "pod": "Pod",
    "pods": "Pods",
    "pysocks": "PySocks",
    "python": "Python",
    "secret": "Secret",
    "secrets": "Secrets",
    "socks": "SOCKS",
    "svg": "SVG",
    "url": "URL",
    "utf": "UTF",
    "yaml": "YAML",
}
"""Words of a test's name that are written otherwise."""

PHRASES = {
    "daemon set": "DaemonSet",
    "stateful set": "StatefulSet",
    "replica set": "ReplicaSet",
    "controller revision": "ControllerRevision",
    "utf 8": "UTF-8",
    "ctrl c": "Ctrl-C",
    "skip execution": "`skip-execution`",
    "api server": "API server",
    "a job": "a Job",
    "a deployment": "a Deployment",
    "as go does": "as Go does",
    "ones own": "one's own",
    "ipython": "IPython",
}


SMALL = ("kubectl", "kitlib", "gcp")
"""Words that begin small, also where a sentence begins with them."""

CODE = ("api/test_manifests.py", "api/test_credentials.py")
"""Files whose cases are code."""


PARTS = {
    "Kubeconfig": (
        "api/test_kubeconfig_as_kubectl.py",
        "api/test_odd_kubeconfigs_as_kubectl.py",
        "api/test_in_cluster_as_kubectl.py",
        "cluster/test_context.py",
        "api/test_credentials.py",
    ),
    "Environment": (
        "walk/test_walk.py::told_where",
        "walk/test_outputs.py::home|own_folders|path|skip_execution",
        "machine/test_proxies.py",
    ),
    "Networks": ("api/test_networks_as_kubectl.py", "api/test_networks.py", "api/test_answers.py"),
    "Manifests": ("api/test_manifests.py",),
    "Objects of every kind": ("api/test_status.py", "api/test_rollouts.py", "api/test_waits_live.py"),
    "Secrets": (
        "api/test_secrets.py",
        "recording/test_recording.py::secret|tokens|environments",
        "recording/test_coverage.py::owner",
    ),
    "Notebooks": (
        "site/test_notebooks_as_people_have_them.py",
        "site/test_what_may_stand_on_a_page.py",
        "lab/test_figures_in_a_notebook.py",
        "plots/test_fonts.py",
    ),
    "Terminals": (
        "cli/test_terminals.py",
        "cli/test_completion.py",
        "cli/test_cli.py::bad_input|ctrl_c|full_disk|exit_codes|wrong_calls",
    ),
    "Parts beside Kubernetes": (
        "machine/airgap/test_parts.py::unknown|without_a_network|without_room|does_not_build|simulated|yours",
        "machine/airgap/test_parts_contents.py::clear_error|damaged|root_on_debian",
        "lab/test_parts_on_kind.py",
        "lab/test_controllers_on_kind.py",
    ),
}
"""Heading → files below tests/, each whole, or `file::a|b` for the tests whose names hold one of these."""


def sentence(name: str) -> str:
    """Return a test's name as a sentence: test_a_token_s_file_can_t_be_read is "A token's file can't be read"."""
    text = name.removeprefix("test_").replace("_", " ")
    text = re.sub(r"\b(can|isn|doesn|aren|wasn|won|don|hasn) t\b", r"\1't", text)
    text = re.sub(r"(\w) s\b", r"\1's", text)
    for phrase, written in PHRASES.items():
        text = re.sub(rf"\b{phrase}", written, text)
    words = " ".join(NAMES.get(word, word) for word in text.split())
    return words if words.startswith(SMALL) else words[:1].upper() + words[1:]


def listed(file: Path, pattern: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield each test of a file in its order: its sentence, and the names of the cases that it tries."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    cases: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            cases |= {target.id: _strings(node.value) for target in targets if isinstance(target, ast.Name)}
    for made in ast.walk(tree):
        if not isinstance(made, ast.FunctionDef) or not made.name.startswith("test_"):
            continue
        if pattern and not re.search(pattern, made.name):
            continue
        yield sentence(made.name), [case for mark in made.decorator_list for case in _tried(mark, cases)]


def _tried(mark: ast.expr, cases: dict[str, list[str]]) -> list[str]:
    """Return the names of cases that a mark `parametrize` gives; none where they aren't words."""
    if not isinstance(mark, ast.Call) or not isinstance(mark.func, ast.Attribute) or mark.func.attr != "parametrize":
        return []
    values = mark.args[1]
    return cases.get(values.id, []) if isinstance(values, ast.Name) else []


def _strings(value: ast.expr | None) -> list[str]:
    """Return the keys of a map that is written out."""
    keys = value.keys if isinstance(value, ast.Dict) else []
    return [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def page() -> str:
    """Return the page."""
    lines = [HEAD]
    for title, tests in PARTS.items():
        lines.append(f"## {title}\n")
        for place in tests:
            name, _, pattern = place.partition("::")
            file = CHECKOUT / "tests" / name
            if not pattern:
                lines.append(f"{_lead(file)}\n")
            before: list[str] = []
            for words, cases in listed(file, pattern):
                lines.append(f"- {words}")
                if cases != before:
                    shown = _code if name in CODE else _plain
                    lines += [f"    - {shown(case)}" for case in cases if case.strip()]
                before = cases
            lines.append("")
    return "\n".join(lines)


def _lead(file: Path) -> str:
    """Return the first paragraph of what a file says of itself."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0]


def _code(case: str) -> str:
    return "`" + case.replace("\n", "\\n").replace("\t", "\\t") + "`"


def _plain(case: str) -> str:
    """Return a case's name as Markdown shows it: what has underscores is a variable."""
    return re.sub(r"\b\w+_\w+\b", lambda found: f"`{found.group()}`", case).replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

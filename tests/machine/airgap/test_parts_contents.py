"""What goes into a part: packages without installing them, files with changes that must fit, a key that knows all."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitlib.errors import BuildError
from kitlib.machine.airgap import debian, debs
from kitlib.machine.airgap.oci import Entry
from kitlib.machine.airgap.parts import PARTS, Part, contents, key
from kitlib.machine.airgap.parts.table import Change

TEMPLATE = "/etc/nginx/template/nginx.tmpl"
CHANGES = PARTS["ingress-nginx"].changes
NGINX = """\
pid {{ .PID }};
http {
        {{ if $cfg.UseHTTP2 }}
            http2 on;
        {{ end }}
}
stream {
    lua_package_path "x";
    server {
    }
}
{{ define "CUSTOM_ERRORS" }}
"""


def change(text: str) -> str:
    (entry,) = contents.changed([Entry(TEMPLATE, text.encode(), 0o666)], CHANGES)
    assert isinstance(entry.source, bytes) and entry.mode == 0o666
    return entry.source.decode()


def test_a_template_is_changed_where_it_must_be_and_nowhere_else() -> None:
    after = change(NGINX)
    assert after.startswith("pid {{ .PID }};\nload_module modules/ndk_http_module.so;\n")
    assert "http2" not in after and "lua_package_path" not in after and 'return "";' in after
    assert after.count("\n}\n") == 2 and after.endswith('\n{{ define "CUSTOM_ERRORS" }}\n')


@pytest.mark.parametrize("line", ["pid {{ .PID }};", "            http2 on;", "stream {"])
def test_a_template_that_has_become_another_is_a_clear_error(line: str) -> None:
    with pytest.raises(BuildError, match=rf"(?s){TEMPLATE} of this version has nothing like '\^.*Next: look at what"):
        change(NGINX.replace(line, "something else"))
    with pytest.raises(BuildError, match=f"{TEMPLATE} of this version has nothing like"):
        contents.changed([], CHANGES)


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    """A part with something of everything, whose folder is a copy."""
    part = PARTS["ingress-nginx"]
    shutil.copytree(part.source, tmp_path / "part")
    monkeypatch.setattr(Part, "source", property(lambda self: tmp_path / "part"))
    return part


OTHER: dict[str, dict[str, Any]] = {
    "version": {"version": "1.11.1"},
    "programs": {"programs": {"/nginx-ingress-controller": "k8s.io/ingress-nginx/cmd/nginx"}},
    "what it runs": {"config": {"Entrypoint": ["/nginx-ingress-controller"]}},
    "what is told the version": {"variable": "main.version"},
    "what is taken": {"taken": {"rootfs/etc": "/etc"}},
    "changes": {"changes": (*CHANGES[:-1], Change(TEMPLATE, CHANGES[-1].pattern, ""))},
    "packages": {"packages": PARTS["ingress-nginx"].packages[:-1]},
    "links": {"links": {}},
    "folders": {"folders": ("/tmp",)},
}


@pytest.mark.parametrize("fields", OTHER.values(), ids=OTHER)
def test_each_ingredient_makes_another_key(sample: Part, fields: dict[str, Any]) -> None:
    assert key(replace(sample, **fields)) != key(sample)


def test_what_does_not_go_in_makes_no_other_key(sample: Part) -> None:
    assert key(replace(sample, title="x", published="y", cache=1, modules=2)) == key(sample)


@pytest.mark.parametrize("name", ["go.mod", "image/usr/local/share/lua/5.1/resty/lock.lua"])
def test_each_file_makes_another_key(sample: Part, name: str) -> None:
    before = key(sample)
    (sample.source / name).write_text("something else")
    assert key(sample) != before
    (sample.source / name).rename(sample.source / f"{name}.moved")
    assert key(sample) != before


def test_another_release_of_debian_makes_another_key_of_what_has_packages(
    sample: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, without = key(sample), key(replace(sample, packages=()))
    monkeypatch.setattr(debian, "release", lambda: {"ID": "debian", "VERSION_CODENAME": "sid"})
    assert key(sample) != before and key(replace(sample, packages=())) == without


def package(folder: Path, name: str, files: dict[str, str], links: dict[str, str]) -> Path:
    """Build a package of Debian's."""
    root = folder / name
    held = {"DEBIAN/control": f"Package: {name}\nVersion: 1:2.3-4\nArchitecture: all\nMaintainer: x\nDescription: y\n"}
    for path, text in (held | files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        (root / path).chmod(0o755 if "bin/" in path else 0o644)
    for path, target in links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    command = ["dpkg-deb", "--build", "--root-owner-group", str(root), str(folder / f"{name}.deb")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / f"{name}.deb"


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="this is not Debian")
def test_packages_are_unpacked_as_they_lie_in_a_merged_usr(tmp_path: Path) -> None:
    shared = "Format: x\n\nLicense: Expat\n"
    first = package(
        tmp_path, "first", {"bin/tool": "#!", "usr/share/doc/first/copyright": shared, "usr/share/man/tool.1": "m"}, {}
    )
    second = package(tmp_path, "second", {"lib/x/lib.so.1": "so"}, {"usr/share/doc/second": "first", "lib/lib.so": "x"})
    entries, components = debs.unpack([first, second], "try")
    found = {entry.path: entry for entry in entries}
    assert found["/bin"].source == "usr/bin", "folders of the root are links"
    assert (found["/usr/bin/tool"].source, found["/usr/bin/tool"].mode) == (b"#!", 0o755)
    assert (found["/usr/lib/x/lib.so.1"].source, found["/usr/lib/lib.so"].source) == (b"so", "x")
    assert "/usr/share/doc/first/copyright" in found and "/usr/share/man/tool.1" not in found
    assert [(each.name, each.version, each.licences) for each in components] == [
        ("first", "1:2.3-4", ("MIT",)),
        ("second", "1:2.3-4", ("MIT",)),
    ]


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="this is not Debian")
def test_a_package_that_is_damaged_is_named(tmp_path: Path) -> None:
    whole = package(tmp_path, "first", {"bin/tool": "#!" * 9000}, {})
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(BuildError, match=r"try first\.deb: it can't be read"):
        debs.unpack([whole], "try")


def test_packages_take_root_on_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "able", lambda: (False, "this is not Debian"))
    with pytest.raises(BuildError, match="build a part: it takes root on Debian, and this is not Debian"):
        debs.fetch(["nginx"], tmp_path / "apt", "build a part")

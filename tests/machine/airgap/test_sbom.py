"""The bill of materials: every package and module, each with its version and the licences that are really there."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from kitlib.machine.airgap import nodeimage, sbom
from kitlib.machine.airgap.sbom import Component
from kitlib.machine.programs import modules as gomodules
from kitlib.machine.programs import nodeprograms

MIT = "Permission is hereby granted, free of charge, to any person\n  obtaining a copy of this software"
BSD = "Redistribution and use in source and binary forms, with or without ... Neither the name of the copyright"


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        (MIT, ("MIT",)),
        (BSD, ("BSD-3-Clause",)),
        (BSD[:50], ("BSD-2-Clause",)),
        ("Apache License\n   Version 2.0, January 2004", ("Apache-2.0",)),
        (f"{MIT}\n\n{BSD}", ("BSD-3-Clause", "MIT")),
        ("All rights reserved.", ()),
    ],
)
def test_licences_are_known_by_their_words(text: str, licences: tuple[str, ...]) -> None:
    assert sbom.identified(text) == licences


def test_debians_names_become_those_of_spdx() -> None:
    text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n" + "".join(
        f"License: {name}\n text\n\n"
        for name in ("GPL-2+", "LGPL-2.1", "Expat", "BSD-3-clause", "g10-permissive", "Expat")
    )
    expected = ("GPL-2.0-or-later", "LGPL-2.1-only", "MIT", "BSD-3-Clause", "g10-permissive")
    assert sbom.declared(text) == expected
    assert sbom.declared("on Debian see /usr/share/common-licenses/GPL-3.") == ("GPL-3.0-only",)


def test_only_installed_packages_are_listed(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(
        "Package: jq\nStatus: install ok installed\nVersion: 1.6-2\nDescription: x\n more: y\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )
    (tmp_path / "usr/share/doc/jq").mkdir(parents=True)
    (tmp_path / "usr/share/doc/jq/copyright").write_text("Format: x\n\nLicense: Expat\n")
    (found,) = sbom.packages(tmp_path)
    assert (found.name, found.version, found.licences) == ("jq", "1.6-2", ("MIT",))
    assert found.purl.startswith("pkg:deb/debian/jq@1.6-2?arch=")


def test_modules_have_the_licences_of_their_texts(tmp_path: Path) -> None:
    modules = [
        {"path": "k8s.io/yaml", "version": "v1.2.3", "licences": ["a", "b"]},
        {"path": "example.com/odd", "version": "v0.1.0", "licences": ["c"]},
    ]
    (tmp_path / gomodules.NOTED).write_text(json.dumps({"go": "1.26.8", "modules": modules}))
    with tarfile.open(tmp_path / gomodules.LICENCES, "w") as tar:
        for name, text in (("a", MIT), ("b", BSD), ("c", "do as you like")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    library, first, second = sbom.modules(tmp_path)
    assert (library.name, library.version) == ("stdlib", "1.26.8")
    assert (first.purl, first.licences) == ("pkg:golang/k8s.io/yaml@v1.2.3", ("MIT", "BSD-3-Clause"))
    assert second.licences == ("LicenseRef-unidentified",)


def test_the_document_is_cyclonedx_and_the_same_each_time() -> None:
    parts = [
        Component("deb", "jq", "1.6", ("MIT", "odd one")),
        Component("golang", "k8s.io/yaml", "v1", ("Apache-2.0",)),
    ]
    text = sbom.document(parts)
    assert sbom.document(list(reversed(parts))) == text
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    listed = {each["name"]: each for each in document["components"]}
    assert [next(iter(each["license"])) for each in listed["jq"]["licenses"]] == ["id", "name"]
    assert listed["yaml" if "yaml" in listed else "k8s.io/yaml"]["purl"] == "pkg:golang/k8s.io/yaml@v1"


def test_the_list_of_the_image_that_is_kept_is_whole() -> None:
    folder = nodeimage.cached()
    if folder is None:
        pytest.skip("no node image is kept: `kitlib airgap build` makes one")
    document = json.loads((folder / nodeimage.SBOM).read_text())
    versions = {each["name"]: each["version"] for each in document["components"]}
    for module in (
        "k8s.io/kubernetes",
        "github.com/containerd/containerd/v2",
        "github.com/coredns/coredns",
        "sigs.k8s.io/kind",
    ):
        assert versions[module] == nodeprograms.pinned(module)
    assert {"systemd", "runc", "iptables", "busybox"} <= set(versions)
    without = [each["name"] for each in document["components"] if not each.get("licenses")]
    assert len(without) <= 2, without

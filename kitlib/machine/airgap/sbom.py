"""What is in an image: a bill of materials in CycloneDX's form, with versions and licences."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kitlib.errors import BuildError
from kitlib.machine import versions
from kitlib.machine.programs import build
from kitlib.machine.programs import modules as gomodules

STEP = "list what is in an image"
KNOWN = (
    ("Apache-2.0", r"Apache License,? +Version 2\.0|apache\.org/licenses/LICENSE-2\.0"),
    ("MPL-2.0", r"Mozilla Public License,? (version|Version) 2\.0"),
    ("BSD-3-Clause", r"(?s)Redistribution and use in source and binary forms.*Neither the name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("ISC", r"Permission to use, copy, modify, and/?(or)? distribute this software"),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("Unlicense", r"This is free and unencumbered software released into the public domain"),
    ("CC0-1.0", r"CC0 1\.0 Universal"),
)
"""Licences by words that only they have; the first that fits, since BSD's longer one holds the shorter."""
DEBIAN = {"Expat": "MIT", "public-domain": "LicenseRef-public-domain", "Zlib": "Zlib", "Artistic": "Artistic-1.0-Perl"}
"""Names that Debian gives to licences which SPDX knows by another one, beside those that follow a rule."""
COPYRIGHT = "usr/share/doc/{}/copyright"


@dataclass(frozen=True)
class Component:
    """One thing in the image.

    Parameters
    ----------
    kind : str
        "deb" or "golang".
    name, version : str
    licences : tuple of str
        Identifiers of SPDX where they are known, else names as the package spells them.
    """

    kind: str
    name: str
    version: str
    licences: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package's address, as the purl specification writes it."""
        from packageurl import PackageURL

        space, _, name = self.name.rpartition("/")
        arch = {"arch": build.goarch()} if self.kind == "deb" else {}
        return str(PackageURL(self.kind, "debian" if self.kind == "deb" else space, name, self.version, arch))


def identified(text: str) -> tuple[str, ...]:
    """Return the identifiers of the licences whose words a text has: one for each kind of licence."""
    text = " ".join(text.split())
    found = [name for name, pattern in KNOWN if re.search(pattern, text)]
    if "BSD-3-Clause" in found and "BSD-2-Clause" in found:
        found.remove("BSD-2-Clause")
    return tuple(found)


def modules(built: Path) -> list[Component]:
    """Return the Go modules that programs were compiled from, and Go's own library.

    Parameters
    ----------
    built : Path
        The folder of the programs.
    """
    noted = msgspec.json.decode((built / gomodules.NOTED).read_bytes())
    texts = {digest: identified(text.decode(errors="replace")) for digest, text in gomodules.licences(built).items()}
    found = [Component("golang", "stdlib", noted["go"], ("BSD-3-Clause",))]
    for module in noted["modules"]:
        licences = [licence for digest in module["licences"] for licence in texts[digest]]
        if module["licences"] and not licences:
            licences = ["LicenseRef-unidentified"]
        found.append(Component("golang", module["path"], module["version"], tuple(dict.fromkeys(licences))))
    return found


def packages(rootfs: Path) -> list[Component]:
    """Return the Debian packages of a root file system, with the licences that their copyright files name."""
    found = []
    for fields in _stanzas((rootfs / "var/lib/dpkg/status").read_text()):
        if fields.get("Status", "").endswith(" installed"):
            path = rootfs / COPYRIGHT.format(fields["Package"])
            text = path.read_text(errors="replace") if path.is_file() else ""
            found.append(Component("deb", fields["Package"], fields["Version"], declared(text)))
    return found


def declared(text: str) -> tuple[str, ...]:
    """Return the licences that a Debian copyright file names, or whose words it has."""
    if text.startswith("Format:"):
        named = re.findall(r"^License: *([^\n]+)$", text, re.MULTILINE)
        return tuple(dict.fromkeys(spelled(" ".join(name.split())) for name in named))
    common = re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])", text)
    return tuple(dict.fromkeys([*map(spelled, common), *identified(text)]))


def spelled(name: str) -> str:
    """Return a licence's name as SPDX spells it, if it is one of those that Debian's rules name: "GPL-2+"."""
    if found := re.fullmatch(r"(L?GPL|GFDL)-(\d)(?:\.(\d))?(\+)?", name):
        family, major, minor, later = found.groups()
        return f"{family}-{major}.{minor or 0}-{'or-later' if later else 'only'}"
    if found := re.fullmatch(r"BSD-([234])-clause", name):
        return f"BSD-{found.group(1)}-Clause"
    return DEBIAN.get(name, name)


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    for stanza in text.split("\n\n"):
        lines = [line for line in stanza.splitlines() if line and line[0] not in " \t"]
        if lines:
            yield dict(line.split(": ", 1) for line in lines if ": " in line)


def document(components: list[Component], name: str = "node", version: str = versions.release().kubernetes) -> str:
    """Return the bill of materials as JSON; the same things make the same text.

    Parameters
    ----------
    components : list of Component
    name, version : str
        Of the whole: the node image, or a part beside Kubernetes.

    Raises
    ------
    BuildError
        The library for it is missing.
    """
    try:
        from cyclonedx.model import Property
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component as Listed
        from cyclonedx.model.component import ComponentType
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ImportError as error:
        raise BuildError(
            f"the package {error.name} is missing.", step=STEP, next="pip install cyclonedx-python-lib, then try again"
        ) from error
    bom = Bom()
    whole = Listed(name=f"kitlib-{name}", version=version, type=ComponentType.CONTAINER, bom_ref=name)
    whole.properties.add(Property(name="kitlib:made-by", value="kitlib airgap build"))
    bom.metadata.component = whole
    for each in components:
        bom.components.add(
            Listed(
                name=each.name,
                version=each.version,
                type=ComponentType.LIBRARY,
                purl=PackageURL.from_string(each.purl),
                bom_ref=each.purl,
                licenses=[_licence(licence) for licence in each.licences],
            )
        )
    bom.register_dependency(whole, bom.components)
    text = msgspec.json.decode(JsonV1Dot6(bom).output_as_string().encode())
    _settle(text, components)
    return msgspec.json.format(msgspec.json.encode(text, order="sorted"), indent=1).decode() + "\n"


def _licence(name: str) -> Any:
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.spdx import is_supported_id

    return DisjunctiveLicense(id=name) if is_supported_id(name) else DisjunctiveLicense(name=name)


def _settle(document: dict[str, Any], components: list[Component]) -> None:
    """Take out when it was written, and name it by what it lists."""
    document["metadata"].pop("timestamp", None)
    digest = hashlib.sha256("\n".join(sorted(each.purl for each in components)).encode()).hexdigest()
    document["serialNumber"] = f"urn:uuid:{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"

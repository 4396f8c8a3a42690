"""SVG pictures that a notebook's output may put on the site: a file that runs nothing, also when it is opened alone.

A picture within a page can't run a script; the same file opened by its link is a document of its own, and can. So it
is read as XML and written anew from the lists below.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

from defusedxml import ElementTree as Defused
from defusedxml.common import DefusedXmlException

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words(
    "a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite feDropShadow feFlood "
    "feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset feTile filter g image "
    "line linearGradient marker mask path pattern polygon polyline radialGradient rect stop style svg switch symbol "
    "text textPath title tspan use"
)
"""Elements that stay; of a link what is in it."""

SILENT = frozenset({"metadata"})
"""Elements that go unnamed: nothing of them is ever seen."""

ATTRIBUTES = _words(
    "alignment-baseline class clip-path clip-rule clipPathUnits color cx cy d direction display dominant-baseline dx "
    "dy fill fill-opacity fill-rule filter filterUnits flood-color flood-opacity font font-family font-size "
    "font-size-adjust font-stretch font-style font-variant font-weight fr fx fy gradientTransform gradientUnits height "
    "id in in2 k1 k2 k3 k4 lengthAdjust letter-spacing marker-end marker-mid marker-start markerHeight markerUnits "
    "markerWidth mask maskContentUnits maskUnits method mode offset opacity operator orient overflow paint-order "
    "pathLength patternContentUnits patternTransform patternUnits points preserveAspectRatio primitiveUnits r radius "
    "refX refY result rotate rx ry shape-rendering side spacing spreadMethod startOffset stdDeviation stop-color "
    "stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit "
    "stroke-opacity stroke-width style tableValues text-anchor text-decoration text-rendering textLength transform "
    "transform-origin type values vector-effect version viewBox visibility width word-spacing writing-mode x x1 x2 y "
    "y1 y2 aria-label role"
)
"""Attributes that stay, `href` apart."""

EMBEDDED = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
ELSEWHERE = re.compile(
    r"@import|\\|expression|javascript:|image-set|cross-fade|\b(?:src|image)\(|url\(\s*[\"']?(?!#)", re.IGNORECASE
)
"""What a style may not hold: anything that fetches, or hides that it does."""


def sanitise(source: bytes) -> tuple[bytes, Counter[str]]:
    """Return a picture that runs and fetches nothing, and what was left out of it.

    Parameters
    ----------
    source : bytes
        SVG.

    Returns
    -------
    bytes
        SVG of known elements and attributes.
    Counter
        Element or attribute → how often it was left out.

    Raises
    ------
    ValueError
        It is no SVG, or declares entities of its own.
    """
    try:
        root = Defused.fromstring(source)
    except (ElementTree.ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(f"not an SVG that can be read: {error}") from error
    if _local(root.tag) != "svg":
        raise ValueError("not an SVG: its first element is another one")
    left_out: Counter[str] = Counter()
    made = _made(root, left_out)
    assert made is not None
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(made, encoding="utf-8", xml_declaration=True), left_out


def _local(tag: object) -> str:
    """Return an element's name where it is SVG's own (or of no namespace), else nothing."""
    if not isinstance(tag, str):
        return ""  # a comment or a processing instruction
    if tag.startswith("{"):
        space, _, name = tag[1:].partition("}")
        return name if space == SVG else ""
    return tag


def _made(element: ElementTree.Element, left_out: Counter[str]) -> ElementTree.Element | None:
    name = _local(element.tag)
    if name not in ELEMENTS:
        if name and name not in SILENT:
            left_out[name] += 1
        return None
    text = element.text
    if name == "style" and ELSEWHERE.search(text or ""):
        left_out["style"] += 1
        return None
    made = ElementTree.Element(f"{{{SVG}}}{'g' if name == 'a' else name}")
    made.text, made.tail = text, element.tail
    for attribute, value in element.attrib.items():
        kept = _attribute(name, attribute, value)
        if kept:
            made.set(attribute, value)
        elif kept is None:
            left_out[attribute.rpartition("}")[2]] += 1
    last = None
    for child in element:
        inner = _made(child, left_out)
        if inner is not None:
            made.append(inner)
            last = inner
        elif child.tail and last is not None:
            last.tail = (last.tail or "") + child.tail
        elif child.tail:
            made.text = (made.text or "") + child.tail
    return made


def _attribute(element: str, attribute: str, value: str) -> bool | None:
    """Say whether an attribute stays; None where it goes and a reader may miss it."""
    space, _, name = attribute.rpartition("}")
    space = space.removeprefix("{")
    if name == "href" and space in ("", XLINK):
        inside = value.strip().startswith("#") or (element == "image" and bool(EMBEDDED.fullmatch(value.strip())))
        return True if inside else None
    if space == XML:
        return name in ("space", "lang")
    if space:
        return False
    if name in ATTRIBUTES:
        return None if ELSEWHERE.search(value) else True
    return None if name.startswith("on") else False

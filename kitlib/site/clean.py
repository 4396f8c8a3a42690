"""HTML that a notebook's output may put on a page.

A cluster's text is untrusted, and an output is text that a cluster had a hand in. nh3 parses it as a browser would and
keeps what stands on the lists below; what is left out is named, so that nobody takes the rest for the whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import unquote

import nh3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 "
    "hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th "
    "thead time tr u ul var wbr"
)
"""Elements that stay; the text of others stays without them."""

DROPPED = _words("iframe script style svg")
"""Elements that go with everything in them."""

NAMED = _words(
    "applet audio base button canvas embed form frame iframe input link math meta noscript object script select svg "
    "template textarea video"
)
"""Elements whose absence a reader would miss: they are named; a style sheet where it has more than shape."""

FORMULA = _words(
    "annotation math menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot "
    "mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics"
)
"""MathML's elements: the parser keeps them, so that their text isn't lost; none of them reaches a page."""

ATTRIBUTES = _words(
    "class title colspan rowspan scope align lang dir datetime open start alt width height id role style "
    "aria-hidden aria-label aria-labelledby aria-describedby data-claim"
)
"""Attributes that stay on any element."""

HANDLERS = "on"
"""How the name of an event handler begins."""

STYLES = re.compile(
    r"(?:text-align|font-weight|font-style|text-decoration|white-space|width|max-width|min-width|height|border-left|"
    r"display|margin|padding|opacity|vertical-align|font-family|font-size)\s*:\s*[\w\s.,%#-]+"
)
"""Declarations that stay in a style attribute: shape only, so that colours are the theme's and nothing is fetched."""

SCHEMES = _words("attachment data http https mailto")
"""Schemes that stay in addresses; `attachment` and `data` only in a picture's, which becomes a file."""

REFUSED = _words("about blob chrome file ftp intent javascript jar ms-msdt resource tel vbscript view-source ws wss")
"""Schemes of links that are named; others go, too."""

STYLER_ID = re.compile(r"T_[0-9a-f]+(?:_.*)?")
STYLER_CLASS = re.compile(r"data|(?:row|col|level)\d+")
"""What pandas' Styler writes on each cell for the style sheet that is dropped: most of a table's bytes."""

TAG = re.compile(r"<(/?)([a-zA-Z0-9]+)((?: [^\s=\"'<>]+=\"[^\"]*\")*)>([^<]*)")
"""A tag as nh3 writes it, and the text behind it: attributes in double quotes, `<` in text always escaped."""
ATTRIBUTE = re.compile(r" ([^\s=]+)=\"([^\"]*)\"")
SUSPECT = re.compile(rf"<(?:{'|'.join(NAMED)}|style)\b|\bon[\w-]+\s*=|(?:href|src)\s*=", re.IGNORECASE)
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
OWN = re.compile(r"\s*\.kitlib-[^,]*(?:,\s*\.kitlib-[^,]*)*")
"""Selectors of kitlib's own style sheet, which the pages have."""

OPENS_A_GAP = _words("colgroup table tbody tfoot thead tr")
CLOSES_A_GAP = _words("caption colgroup tbody td tfoot th thead tr")
"""After these tags white space is only the indentation of what follows."""


def safe_href(target: str) -> bool:
    """Say whether a link may stay: within the site, or to a page or a mail address elsewhere."""
    squeezed = re.sub(r"[\x00-\x20]", "", target).lower()
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", squeezed)
    return scheme is None or scheme.group(1) in {"http", "https", "mailto"}


def shape(style: str) -> str:
    """Return the declarations of a style attribute that may stay."""
    return "; ".join(part.strip() for part in style.split(";") if STYLES.fullmatch(part.strip()))


def beyond_shape(style: str) -> list[str]:
    """Return the properties of declarations that don't stay."""
    parts = (part.strip() for part in style.split(";"))
    return [part.partition(":")[0].strip()[:40].lower() for part in parts if part and not STYLES.fullmatch(part)]


@dataclass
class Cleaned:
    """The part of an output that stays, and the names of what doesn't."""

    html: str
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def shows_something(self) -> bool:
        """Whether anything is left to be seen: a word or a picture."""
        return "<img" in self.html or bool(re.sub(r"<[^>]*>|&nbsp;|\s", "", self.html))

    @property
    def note(self) -> str:
        """What was left out, as an element of the page; empty if nothing was."""
        return note(self.left_out)


def note(left_out: Counter[str] | Iterable[str], lead: str = "Left out of this page") -> str:
    """Return a line that names what was left out of a page; empty if nothing was."""
    counted = Counter(left_out)
    if not counted:
        return ""
    named = ", ".join(
        f"<code>{escape(name)}</code>{f' × {count}' if count > 1 else ''}" for name, count in counted.items()
    )
    return f'<p class="left-out">{lead}: {named}. The notebook itself has it.</p>'


def sanitise(
    html: str,
    image: Callable[[dict[str, str]], str | None] | None = None,
    prefix: str = "",
    link: Callable[[str], str | None] | None = None,
    taken: set[str] | None = None,
    own: set[str] | None = None,
) -> Cleaned:
    """Return the part of an output's HTML that may stand on a page, and what was left out of it.

    Parameters
    ----------
    html : str
        What the notebook's output holds.
    image : callable, optional
        Called with an image's attributes; returns the element that takes its place, or None to drop it.
        Without it images are dropped.
    prefix : str
        Put before every `id`, so that an output can't take an anchor of the page.
    link : callable, optional
        Called with a link's target where that lies on the site; returns the address, or None to drop it.
    taken : set of str, optional
        The ids that the page has already: they don't stay; those that do are added.
    own : set of str, optional
        Ids that stay though they are taken: those which the page itself gave.

    Returns
    -------
    Cleaned
        HTML with only known elements and attributes, each closed.
    """
    kept = TAG.sub(_Formulas().tag, _allowed(html, ELEMENTS | FORMULA, {"annotation": {"encoding"}}))
    rewriting = _Rewriting(image, prefix, link, set() if taken is None else taken, own or set())
    rewriting.inside = {unescape(name) for name in re.findall(r' (?:id|name)="([^"]*)"', kept)}
    written = TAG.sub(rewriting.tag, kept)
    left_out = _named(html) if SUSPECT.search(html) else Counter()
    return Cleaned(written, left_out + rewriting.left_out)


def clean(html: str, image: Callable[[dict[str, str]], str | None] | None = None, prefix: str = "") -> str:
    """Return the part of an output's HTML that may stand on a page, with a line that names what was left out.

    The parameters are those of `sanitise`.

    Examples
    --------
    >>> clean('<b onclick="x()">web</b>')
    '<b>web</b><p class="left-out">Left out of this page: <code>onclick</code>. The notebook itself has it.</p>'
    """
    cleaned = sanitise(html, image, prefix)
    return cleaned.html + cleaned.note


def _allowed(
    html: str, elements: frozenset[str], more: Mapping[str, set[str]] | None = None, named: bool = False
) -> str:
    """Return HTML of the elements alone; `named` keeps handlers and odd links as well, so that they can be named."""
    return nh3.clean(
        html,
        tags=set(elements),
        clean_content_tags=set(DROPPED - elements),
        attributes={"*": set(ATTRIBUTES), "a": {"href", "name"}, "img": {"src"}, **(more or {})},
        generic_attribute_prefixes={HANDLERS} if named else None,
        url_schemes=set(SCHEMES | REFUSED) if named else set(SCHEMES),
        link_rel=None,
    )


def _named(html: str) -> Counter[str]:
    """Count what an output has of what is named: by the same parser, told to keep it."""
    found: Counter[str] = Counter()
    for tag in TAG.finditer(_allowed(html, ELEMENTS | NAMED | FORMULA | {"style"}, named=True)):
        closing, name, attributes, text = tag.groups()
        if closing:
            continue
        if name.lower() in NAMED:
            found[name.lower()] += 1
        if name == "style" and _colours(text):
            found["style"] += 1
        for attribute, value in ATTRIBUTE.findall(attributes):
            if attribute.startswith(HANDLERS):
                found[attribute] += 1
            elif attribute == "href" and not safe_href(unescape(value)) and not value.startswith("data:"):
                found[f"a link to {unescape(value)}"[:80]] += 1
    return found


def _colours(sheet: str) -> bool:
    """Say whether a style sheet does more than shape what isn't kitlib's: then a page looks otherwise without it."""
    rules = RULE.findall(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    return any(beyond_shape(style) for selector, style in rules if not OWN.fullmatch(selector))


@dataclass
class _Formulas:
    """Write each formula in MathML as text: its LaTeX where it brings that, else its words and signs in their order."""

    depth: int = 0
    words: list[str] = field(default_factory=list)
    tex: str = ""

    def tag(self, match: re.Match[str]) -> str:
        closing, name, attributes, text = match.groups()
        if name != "math" and not self.depth:
            return match.group() if name in ELEMENTS else text
        if name == "math" and closing and self.depth == 1:
            shown = f"${self.tex}$" if self.tex else " ".join(" ".join(self.words).split())
            self.depth, self.words, self.tex = 0, [], ""
            return (f'<code class="math">{shown}</code>' if shown else "") + text
        if name == "math":
            self.depth += -1 if closing else 1
        if name == "annotation" and not closing:
            self.tex = text.strip() if 'encoding="application/x-tex"' in attributes.lower() else self.tex
        else:
            self.words.append(text)
        return ""


@dataclass
class _Rewriting:
    """Write each tag that nh3 kept as the page has it."""

    image: Callable[[dict[str, str]], str | None] | None
    prefix: str
    link: Callable[[str], str | None] | None
    taken: set[str]
    own: set[str]
    inside: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)

    def tag(self, match: re.Match[str]) -> str:
        closing, name, written, text = match.groups()
        if (name in CLOSES_A_GAP if closing else name in OPENS_A_GAP) and not text.strip():
            text = ""
        if closing:
            return f"</{name}>{text}"
        values = {attribute: unescape(value) for attribute, value in ATTRIBUTE.findall(written)}
        if "name" in values:  # an anchor as HTML 4 had it
            values = {"id": values.pop("name"), **values}
        if name == "img":
            replaced = self.image(values) if self.image else None
            if replaced is None:
                self.left_out[f"a picture, {values.get('alt') or values.get('src') or 'of nothing'}"[:80]] += 1
            return (replaced or "") + text
        return f"<{name}{self._attributes(name, values)}>{text}"

    def _attributes(self, name: str, values: dict[str, str]) -> str:
        kept = ((attribute, self._attribute(name, attribute, value)) for attribute, value in values.items())
        return "".join(f' {attribute}="{escape(value)}"' for attribute, value in kept if value is not None)

    def _attribute(self, name: str, attribute: str, value: str) -> str | None:
        """Return an attribute's value as it stays; None where it doesn't."""
        if attribute == "href":
            return self._href(value)
        if attribute == "id":
            address = self.prefix + value
            if STYLER_ID.fullmatch(value) or (address in self.taken and address not in self.own):
                return None
            self.own.discard(address)
            self.taken.add(address)
            return address
        if attribute == "class" and name in ("td", "th"):
            return " ".join(one for one in value.split() if not STYLER_CLASS.fullmatch(one)) or None
        if attribute == "style":
            self.left_out.update(f"style {each}" for each in beyond_shape(value))
            return shape(value) or None
        return value

    def _href(self, value: str) -> str | None:
        if not safe_href(value):
            kept = None
        elif value.startswith("#") and unquote(value[1:]) in self.inside:
            kept = f"#{self.prefix}{unquote(value[1:])}"
        elif re.match(r"[\s\x00]*(?:[a-z]+:|//)", value, re.IGNORECASE):
            kept = value
        else:
            kept = self.link(value) if self.link else (None if value.startswith("#") else value)
        if kept is None:
            self.left_out[f"a link to {value}"[:80]] += 1
        return kept

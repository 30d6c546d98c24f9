"""Drawings: a chart's SVG as pages carry it, without a title of its own, its tips as native tooltips.

A tip is a transparent mark with a description (`look.tips`): the browser shows its words, and the stylesheet the mark,
when somebody points at it. What is drawn is in `charts.py` and its neighbours.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
G = f"{{{SVG}}}g"
BELOW_TITLE = 10.0
"""Pixels from a title's last base line to what is kept: its depth and offset (`look.CONFIG`) less a margin."""
PLACE = re.compile(r"translate\([-\d.]+,\s*([-\d.]+)\)")
NOT_NEEDED = ("role", "aria-label", "aria-roledescription", "aria-hidden", "class", "pointer-events")

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def drawing(svg: str, name: str) -> str:
    """The drawing below its title, which the page has as a heading, with identifiers that begin with its name.

    Nothing in it speaks to a screen reader: the page says all of it in words, and has its figures as a table.
    """
    root = ElementTree.fromstring(svg)
    _crop(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}path" and not child.get("d"):
                parent.remove(child)
    for element in root.iter():
        words = element.get("aria-label") if element.get("opacity") == "0" else None
        for attribute in NOT_NEEDED:
            element.attrib.pop(attribute, None)
        if words:
            element.set("class", "tip")
            ElementTree.SubElement(element, f"{{{SVG}}}title").text = words
        _own(element, name)
    return ElementTree.tostring(root, encoding="unicode")


def without_size(svg: str) -> str:
    """The SVG as wide as there is room: the asset page shows an image at full size and cuts off what is too wide."""
    return re.sub(r' width="[\d.]+" height="[\d.]+"', "", svg, count=1)


def _crop(root: ElementTree.Element) -> None:
    """Take the title away, and the height that it has above the plots; the size is left to the page."""
    plots, top = root.find(f"{G}[@transform]"), 0.0
    for parts in plots.iterfind(f"{G}/{G}/{G}"):
        for title in [part for part in parts if "role-title" in part.get("class", "")]:
            top = _down(plots) + _down(title.find(G)) + max(map(_foot, title.iter(f"{{{SVG}}}text"))) + BELOW_TITLE
            parts.remove(title)
    width, height = float(root.attrib.pop("width")), float(root.attrib.pop("height"))
    root.set("viewBox", f"0 {top:g} {width:g} {height - top:g}")


def _down(element: ElementTree.Element) -> float:
    return float(PLACE.search(element.get("transform"))[1])


def _foot(text: ElementTree.Element) -> float:
    """The base line of a text's last line."""
    return _down(text) + sum(float(line.get("dy", 0)) for line in text)


def _own(element: ElementTree.Element, name: str) -> None:
    """Identifiers of its own: two drawings on one page both call their first clip `clip0`."""
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    for attribute, value in element.attrib.items():
        if value.startswith("url(#"):
            element.set(attribute, f"url(#{name}-{value.removeprefix('url(#')}")
        elif attribute.endswith("href") and value.startswith("#"):
            element.set(attribute, f"#{name}-{value[1:]}")

"""XML from strangers: no document types, no entities, no network; a bounded size; one error."""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from domain.errors import NotThisFormat

MAX_BYTES = 32 * 1024 * 1024
"""The largest index seen has 0.6 MB, the largest message 1.7 MB; Canada's gateway allows 5 MB a message."""

MAX_ELEMENTS = 1_000_000

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f￾￿]")
_DECLARATION = re.compile(rb"^<\?xml[^>]*\?>")
_BEFORE_ROOT = re.compile(r"<!--.*?-->|<\?.*?\?>|\s+|﻿", re.DOTALL)


def parse(data: bytes, expected: str) -> Element:
    """The root element; raises NotThisFormat when the bytes are no XML, dangerous, or too much.

    Text that is not in its declared encoding, or has characters that XML forbids, is read with those replaced.
    """
    if len(data) > MAX_BYTES:
        raise NotThisFormat(f"expected {expected} of at most {MAX_BYTES} bytes, found {len(data)}")
    stripped = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        root = _parsed(stripped)
    except DefusedXmlException as error:
        raise NotThisFormat(
            f"expected {expected}, found XML with a document type or entities ({type(error).__name__})"
        ) from error
    except (ParseError, ValueError, LookupError) as first:
        body = _DECLARATION.sub(b"", stripped).decode("utf-8", errors="replace")
        try:
            root = _parsed(_NOT_IN_XML.sub("�", body).encode())
        except (ParseError, ValueError, LookupError, DefusedXmlException):
            raise NotThisFormat(f"expected {expected}, found {data[:40]!r}: {first}") from first
    return root


def _parsed(data: bytes) -> Element:
    root: Element = SafeTree.fromstring(data, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    for number, _ in enumerate(root.iter()):
        if number > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS} elements")
    return root


def root_name(data: bytes) -> str:
    """Local name of the first element, in lower case, without parsing; blank when there is none to be seen."""
    head = data[: 256 * 1024].decode("utf-8", errors="replace")
    start = 0
    while match := _BEFORE_ROOT.match(head, start):
        start = match.end()
    found = re.match(r"<(?:[\w.\-]+:)?([\w.\-]+)", head[start : start + 200])
    return found.group(1).lower() if found else ""


def local_name(element: Element) -> str:
    """The element's name without its namespace, in lower case; blank for comments."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def namespace(element: Element) -> str:
    """The element's namespace, or blank."""
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def children(element: Element, name: str) -> list[Element]:
    """Children of that local name (lower case), whatever their namespace."""
    return [child for child in element if local_name(child) == name]


def text(element: Element, name: str) -> str:
    """Trimmed text of the first child of that local name; blank when there is none."""
    for child in element:
        if local_name(child) == name:
            return own_text(child)
    return ""


def own_text(element: Element) -> str:
    """Trimmed text of the element with all that is in it, without control characters."""
    return _NOT_IN_XML.sub("", "".join(element.itertext())).strip()

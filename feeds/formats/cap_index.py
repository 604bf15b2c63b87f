"""Indexes of CAP messages: Atom and RSS feeds, with links to messages or the messages themselves.

Source: RFC 4287 (Atom), RSS 2.0.
"""

import contextlib
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

from domain.alert import AlertMessage
from domain.errors import NotThisFormat
from domain.feed import Problem, ProblemLevel
from feeds.formats import xml_safely as xml
from feeds.formats.cap import alert_elements, decode_elements
from feeds.formats.cap_times import read_time

CAP_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")
MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CapIndex:
    """What an index lists."""

    links: tuple[tuple[str, str], ...]
    """(absolute address, the entry's own "updated" text), each address once, in the order of the index. A message is
    worth fetching again when the text changed."""
    messages: tuple[AlertMessage, ...]
    """Messages that stand in the index itself."""
    problems: tuple[Problem, ...]
    updated_epoch_s: int
    """The index's own time, 0 when it says none."""
    entries: int


def looks_like_index(data: bytes) -> bool:
    """Is this an Atom or RSS feed (and not a bare CAP message)?"""
    return xml.root_name(data) in {"feed", "rss", "rdf"}


def decode_index(data: bytes, base_url: str, *, feed_id: str = "") -> CapIndex:
    """What the index lists; relative addresses are joined to *base_url*. Raises NotThisFormat when it is no index."""
    root = xml.parse(data, "an Atom or RSS index")
    if xml.local_name(root) not in {"feed", "rss", "rdf"}:
        raise NotThisFormat(f"expected an Atom or RSS index, found <{xml.local_name(root)}>")
    entries = [element for element in root.iter() if xml.local_name(element) in {"entry", "item"}][:MAX_ENTRIES]
    links: dict[str, str] = {}
    inline: list[Element] = []
    problems: list[Problem] = []
    for number, entry in enumerate(entries, 1):
        if messages := _messages_in(entry):
            inline.extend(messages)
        elif address := _address(entry, base_url):
            updated = next((said for name in ("updated", "pubdate", "date") if (said := xml.text(entry, name))), "")
            links[address] = max(updated, links.get(address, ""), key=lambda said: (read_time(said).epoch_s, said))
        else:
            problems.append(
                Problem(
                    code="cap_entry_without_link",
                    level=ProblemLevel.ERROR,
                    message="expected a link to a CAP message, found none that is http or https",
                    where=f"entry {number}: {(xml.text(entry, 'id') or xml.text(entry, 'title'))[:80]}",
                )
            )
    decoded = decode_elements([*inline, *_beside(root, inline)], feed_id=feed_id)
    return CapIndex(
        links=tuple(links.items()),
        messages=decoded.items,
        problems=(*problems, *decoded.problems),
        updated_epoch_s=_own_time(root),
        entries=len(entries),
    )


def _messages_in(entry: Element) -> list[Element]:
    """Messages that stand in an entry, as elements or as the text of its content."""
    with contextlib.suppress(NotThisFormat):
        return alert_elements(entry)
    for name in ("content", "encoded", "description", "summary"):
        for element in xml.children(entry, name):
            text = xml.own_text(element)
            if text.startswith("<") and "alert" in text:
                with contextlib.suppress(NotThisFormat):
                    return alert_elements(xml.parse(text.encode("utf-8", "replace"), "a CAP message"))
    return []


def _beside(root: Element, inline: list[Element]) -> list[Element]:
    """Messages that stand in the index, but in no entry: foreign markup to an Atom reader, a warning all the same."""
    known = {id(one) for one in inline}
    with contextlib.suppress(NotThisFormat):
        return [one for one in alert_elements(root) if id(one) not in known]
    return []


def _own_time(root: Element) -> int:
    for element in (root, *xml.children(root, "channel")):
        for name in ("updated", "lastbuilddate", "pubdate", "date"):
            if instant := read_time(xml.text(element, name)).epoch_s:
                return instant
    return 0


def _address(entry: Element, base_url: str) -> str:
    """The entry's best link: one of CAP's media type, whatever it is called; then another; then an identifier that is an
    address."""
    ranked: list[tuple[int, str]] = []
    for link in (*xml.children(entry, "link"), *xml.children(entry, "enclosure")):
        address = link.get("href") or link.get("url") or xml.own_text(link)
        media = (link.get("type") or "").partition(";")[0].strip().lower()
        rank = 0 if media in CAP_TYPES else 1 if media.endswith("xml") else 2 if not media else 4
        if (link.get("rel") or "alternate") not in {"alternate", "enclosure"}:
            rank += 5 if rank else 1
        ranked.append((rank, address))
    ranked.extend(
        (3, xml.own_text(element))
        for name in ("guid", "id")
        for element in xml.children(entry, name)
        if element.get("isPermaLink", "true").lower() != "false"
    )
    for _, address in sorted(ranked, key=lambda one: one[0]):
        if absolute := _absolute(address, base_url):
            return absolute
    return ""


def _absolute(address: str, base_url: str) -> str:
    address = address.strip()
    if not address or any(character.isspace() for character in address) or address.startswith(("tag:", "urn:")):
        return ""
    try:
        absolute = urljoin(base_url, address)
        parts = urlsplit(absolute)
    except ValueError:
        return ""
    return absolute if parts.scheme in {"http", "https"} and parts.hostname else ""

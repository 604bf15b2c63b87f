"""Indexes of warnings: Atom and RSS, with links or with the messages inside."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import NotThisFormat
from feeds.formats.cap_index import decode_index, looks_like_index
from tests.feeds.formats.cap_messages import alert

BASE = "https://cap.example.org/feeds/city.atom"


def atom(*entries: str) -> bytes:
    body = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><updated>2026-11-23T12:00:00Z</updated>'
        f'<link href="/self"/>{body}</feed>'
    ).encode()


@pytest.mark.parametrize(
    ("entry", "link"),
    [
        pytest.param(
            '<link href="https://x.org/page"/><link type="application/cap+xml" href="https://x.org/a.cap"/>',
            "https://x.org/a.cap",
            id="CAP's media type wins (MeteoAlarm)",
        ),
        pytest.param(
            '<id>https://x.org/id</id><link href="https://x.org/a"/>', "https://x.org/a", id="bare link (NWS)"
        ),
        pytest.param("<id>https://x.org/id</id>", "https://x.org/id", id="the identifier is an address"),
        pytest.param('<id>urn:oid:1.2</id><link href="../b.xml"/>', "https://cap.example.org/b.xml", id="relative"),
        pytest.param(
            '<link rel="related" href="https://x.org/r"/><link rel="enclosure" type="text/xml" href="https://x.org/e"/>',
            "https://x.org/e",
            id="related is last",
        ),
        pytest.param(
            '<link href="https://x.org/map.html" type="text/html"/>'
            '<link rel="related" type="application/cap+xml" href="https://x.org/quake.cap"/>',
            "https://x.org/quake.cap",
            id="unless it is the message (US Geological Survey)",
        ),
    ],
)
def test_atom_link(entry: str, link: str) -> None:
    assert decode_index(atom(entry), BASE).links == ((link, ""),)


@pytest.mark.parametrize(
    "entry",
    ["<id>tag:x.org,2026:1</id>", '<link href="file:///etc/passwd"/>', '<link href="javascript:1"/>', "", '<link href="http://[bad"/>'],
)  # fmt: skip
def test_an_entry_without_a_usable_link_is_a_problem(entry: str) -> None:
    """The other entries stand."""
    index = decode_index(atom(entry, '<link href="https://x.org/a"/>'), BASE)
    assert index.links == (("https://x.org/a", ""),)
    assert [problem.code for problem in index.problems] == ["cap_entry_without_link"]


def test_an_address_listed_twice_comes_once_with_its_newest_time() -> None:
    """MeteoAlarm lists one message once for each of its areas: 381 entries, 21 messages."""
    entry = '<updated>2026-11-23T1{}:00:00Z</updated><link href="https://x.org/a"/>'
    index = decode_index(atom(entry.format(1), entry.format(3), entry.format(2)), BASE)
    assert index.links == (("https://x.org/a", "2026-11-23T13:00:00Z"),)
    assert (index.entries, index.updated_epoch_s) == (3, 1_795_435_200)


def test_the_newest_of_several_times_is_not_the_last_in_the_alphabet() -> None:
    """In RSS, Wednesday comes after Thursday by its letters: the message of Thursday would never be fetched again."""
    item = "<item><link>https://x.org/a</link><pubDate>{}, {} Nov 2026 11:00:00 GMT</pubDate></item>"
    body = item.format("Wed", 25) + item.format("Thu", 26)
    index = decode_index(f"<rss><channel>{body}</channel></rss>".encode(), BASE)
    assert index.links == (("https://x.org/a", "Thu, 26 Nov 2026 11:00:00 GMT"),)


def test_rss() -> None:
    data = b"""<?xml version="1.0"?><rss version="2.0"><channel><link>https://x.org/</link>
      <lastBuildDate>Mon, 23 Nov 2026 12:00:00 GMT</lastBuildDate>
      <item><title>a</title><link> https://x.org/a.xml </link><pubDate>Mon, 23 Nov 2026 11:00:00 GMT</pubDate>
        <guid isPermaLink="false">https://not.this</guid></item>
      <item><guid>https://x.org/b.xml</guid></item>
      <item><link>https://x.org/page</link><enclosure url="https://x.org/c.cap" type="application/cap+xml"/></item>
    </channel></rss>"""
    assert looks_like_index(data)
    index = decode_index(data, BASE)
    assert index.links == (
        ("https://x.org/a.xml", "Mon, 23 Nov 2026 11:00:00 GMT"),
        ("https://x.org/b.xml", ""),
        ("https://x.org/c.cap", ""),
    )
    assert index.updated_epoch_s == 1_795_435_200


def test_messages_inside_the_index_are_read() -> None:
    """Canada's gateway puts whole messages into the entries; each feed id lands in them."""
    inner = alert(identifier="inside").partition(b"\n")[2].decode()
    entry = f'<link href="https://x.org/a"/><content type="text/xml">{inner}</content>'
    index = decode_index(atom(entry), BASE, feed_id="civil")
    assert index.links == ()
    assert [(message.identifier, message.feed_id) for message in index.messages] == [("inside", "civil")]


@pytest.mark.parametrize("wrap", ["<content type='text/xml'><![CDATA[{}]]></content>", "<description>{}</description>"])
def test_messages_that_stand_in_an_entry_as_text_are_read(wrap: str) -> None:
    inner = alert(identifier="inside").decode()
    body = wrap.format(inner if "CDATA" in wrap else inner.replace("&", "&amp;").replace("<", "&lt;"))
    for data in (
        atom(f'<link href="https://x.org/a"/>{body}'),
        f"<rss><channel><item>{body}</item></channel></rss>".encode(),
    ):
        assert [message.identifier for message in decode_index(data, BASE).messages] == ["inside"]
        assert decode_index(data, BASE).links == ()


def test_a_message_beside_the_entries_is_a_warning_all_the_same() -> None:
    inner = alert(identifier="beside").partition(b"\n")[2].decode()
    data = atom('<link href="https://x.org/a"/>').replace(b"</feed>", f"{inner}</feed>".encode())
    index = decode_index(data, BASE)
    assert [message.identifier for message in index.messages] == ["beside"]
    assert index.links == (("https://x.org/a", ""),)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (atom(), True),
        (b"\xef\xbb\xbf \n<?xml version='1.0'?><?style x?><!-- <alert> --><atom:feed xmlns:atom='a'/>", True),
        (b"<rdf:RDF/>", True),
        (alert(), False),
        (b"<html/>", False),
        (b"{}", False),
        (b"", False),
        (b"<!-- never closed", False),
    ],
)
def test_looks_like_index(data: bytes, expected: bool) -> None:
    assert looks_like_index(data) is expected


@pytest.mark.parametrize("data", [b"", alert(), b"<html/>", b'<!DOCTYPE x [<!ENTITY e "e">]><feed>&e;</feed>'])
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises(NotThisFormat, match="expected an Atom or RSS index"):
        decode_index(data, BASE)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40), st.binary(max_size=60))
def test_decode_index_never_raises_anything_else(text: str, noise: bytes) -> None:
    escaped = text.replace("&", "").replace("<", "").replace('"', "")
    for data in (noise, atom(f'<link href="{escaped}"/><updated>{escaped}</updated><id>{escaped}</id>')):
        looks_like_index(data)
        try:
            index = decode_index(data, BASE)
        except NotThisFormat:
            continue
        assert all(address.startswith(("http://", "https://")) for address, _ in index.links)


@pytest.mark.recorded
def test_recorded_indexes(recordings: Path) -> None:
    """Number of messages that each recorded index leads to: (links, inside)."""
    found = {}
    for path in sorted((recordings / "cap" / "feeds").iterdir()):
        index = decode_index(path.read_bytes(), BASE)
        found[path.name.partition("__")[2].partition("__")[2]] = (len(index.links), len(index.messages))
    assert found == {
        "no_title.atom": (1, 0),
        "no_id.atom": (0, 0),
        "no_link.atom": (1, 0),
        "weather_index.atom": (2, 0),
        "weather.atom": (0, 1),
        "amber.atom": (0, 1),
        "nws_atom_feed_example.xml": (163, 0),
        "no_entries.atom": (0, 1),
        "weather_invalid.atom": (0, 1),
        "earthquake.atom": (0, 1),
        "canada_signed.atom": (0, 1),
        "empty_weather_index.atom": (0, 0),
        "au-bom-en.rss.xml": (1, 0),
        "meteoalarm-legacy-atom-poland.xml": (2, 0),
        "meteoalarm-legacy-atom-germany.xml": (21, 0),
        "noaaExample1.xml": (215, 0),
        "noaaExampleSmall.xml": (1, 0),
    }

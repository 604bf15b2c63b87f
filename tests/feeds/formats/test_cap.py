"""CAP messages as issuers really write them: each fixture says what is nasty about it."""

import contextlib
import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import MessageStatus, Reference, Severity
from domain.errors import NotThisFormat
from domain.geo import Ground
from feeds.formats.cap import decode, read_references
from feeds.formats.xml_safely import MAX_BYTES
from tests.feeds.formats.cap_messages import AREA, BOX, alert, area, codes, info, polygon, problems, read

SENT = 1_795_435_200

RING = ((10.0, 50.0), (11.0, 50.0), (11.0, 51.0), (10.0, 51.0), (10.0, 50.0))


def test_a_sound_message_is_read_whole() -> None:
    """Every element of the standard lands where the house keeps it; polygons turn from lat,lon to lon,lat."""
    data = alert(
        info(
            category="<category>Met</category><category>Safety</category>",
            responseType="Evacuate",
            effective="2026-11-23T13:00:00+01:00",
            onset="2026-11-23T13:30:00-00:00",
            senderName="River office",
            instruction="Leave.",
            web="https://example.org/a",
            contact="112",
            eventCode="<eventCode><valueName>SAME</valueName><value>FLW</value></eventCode>",
            parameter="<parameter><valueName>level</valueName><value>3</value></parameter>",
            resource="<resource><resourceDesc>map</resourceDesc><uri>https://example.org/x.png</uri></resource>",
        ),
        msgType="Update",
        code="profile:X",
        note="A note",
        references="w@example.org,A-0,2026-11-23T11:00:00+00:00",
        incidents="I-1 I-2",
    )
    message = read(data)
    (block,) = message.infos
    (ground,) = block.areas
    assert (message.feed_id, message.identifier, message.sender, message.kind) == (
        "civil",
        "A-1",
        "w@example.org",
        "Update",
    )
    assert (message.sent_epoch_s, message.status, message.scope) == (SENT, MessageStatus.ACTUAL, "Public")
    assert message.references == (Reference(identifier="A-0", sender="w@example.org", sent_epoch_s=SENT - 3600),)
    assert (message.incidents, message.codes, message.note) == (("I-1", "I-2"), ("profile:X",), "A note")
    assert (block.categories, block.response_types, block.severity) == (("Met", "Safety"), ("Evacuate",), "Severe")
    assert (block.effective_epoch_s, block.onset_epoch_s, block.expires_epoch_s) == (SENT, SENT + 5400, SENT + 21600)
    assert (block.event_codes, block.parameters) == ((("SAME", "FLW"),), (("level", "3"),))
    assert (block.sender_name, block.instruction, block.web) == ("River office", "Leave.", "https://example.org/a")
    assert (ground.description, ground.polygons, ground.approximate, ground.everywhere) == (
        "Box",
        (RING,),
        False,
        False,
    )
    assert problems(data) == ()
    assert decode(data, feed_id="civil").entity_counts == {"messages": 1, "actual": 1}
    assert decode(data, feed_id="civil").header_epoch_s == SENT


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        ("http://www.incident.com/cap/1.0", []),
        ("urn:oasis:names:tc:emergency:cap:1.1", []),
        ("urn:oasis:names:tc:emergency:cap:1.2", []),
        pytest.param("urn:oasis:names:tc:emergency:cap:1.2:profile:cap-lu:1.0", ["cap_namespace"], id="a profile's"),
        pytest.param("", ["cap_namespace"], id="none"),
    ],
)
def test_any_namespace(namespace: str, expected: list[str]) -> None:
    """The elements' own names decide; a strange namespace is worth a remark."""
    data = alert(namespace=namespace)
    assert read(data).identifier == "A-1"
    assert codes(data) == expected


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param('<s:Envelope xmlns:s="soap"><s:Body>%s</s:Body></s:Envelope>', id="SOAP"),
        pytest.param(
            '<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><contentObject><xmlContent>'
            "<embeddedXMLContent>%s</embeddedXMLContent></xmlContent></contentObject></EDXLDistribution>",
            id="EDXL (Australia)",
        ),
        pytest.param(
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content>%s</content></entry></feed>', id="Atom"
        ),
        pytest.param("<alerts>%s<junk/></alerts>", id="a list of our own making"),
    ],
)
def test_messages_are_found_inside_wrappers(wrapped: str) -> None:
    inner = b"".join(alert(identifier=name).partition(b"\n")[2] for name in ("one", "two")).decode()
    found = decode((wrapped % inner).encode(), feed_id="civil")
    assert [message.identifier for message in found.items] == ["one", "two"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff\xfe", id="noise"),
        pytest.param(b'{"type": "FeatureCollection"}', id="JSON"),
        pytest.param(b"<!DOCTYPE html><html><body>503</body></html>", id="error page with status 200"),
        pytest.param(b"<html><body>hello</body></html>", id="well-formed error page"),
        pytest.param(alert()[:-30], id="cut short"),
        pytest.param(
            b'<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert><identifier>&x;</identifier></alert>',
            id="external entity",
        ),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><alert><identifier>&b;</identifier></alert>',
            id="entity bomb",
        ),
        pytest.param(b'<?xml version="1.0" encoding="nonsense"?><a/>', id="unknown encoding, no alert"),
        pytest.param(b"<alert>" + b" " * MAX_BYTES + b"</alert>", id="huge"),
        pytest.param(b"<alert/>", id="an alert element that says nothing"),
    ],
)
def test_what_is_no_cap_is_refused_with_the_one_error(data: bytes) -> None:
    with pytest.raises(NotThisFormat, match="expected"):
        decode(data, feed_id="civil")


def test_encodings() -> None:
    """Latin-1 said and meant; UTF-8 said and Latin-1 meant; a byte order mark and blank lines before the declaration;
    a control character that XML forbids."""
    utf8 = alert(info(headline="Überflutung"))
    latin = utf8.decode().encode("latin-1")
    assert read(latin.replace(b"UTF-8", b"ISO-8859-1")).infos[0].headline == "Überflutung"
    assert read(latin).infos[0].headline == "\ufffdberflutung"
    assert read(b"\xef\xbb\xbf\r\n \n" + utf8).infos[0].headline == "Überflutung"
    assert read(alert(info(headline="Flood\x0b now"))).infos[0].headline == "Flood\ufffd now"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Actual", MessageStatus.ACTUAL),
        ("actual", MessageStatus.ACTUAL),
        ("Exercise", MessageStatus.EXERCISE),
        ("Test", MessageStatus.TEST),
        ("Draft", MessageStatus.DRAFT),
        ("System", MessageStatus.SYSTEM),
        pytest.param("Actuall", MessageStatus.UNKNOWN, id="a typo is not Actual"),
        pytest.param("", MessageStatus.UNKNOWN, id="silence is not Actual"),
    ],
)
def test_status(status: str, expected: MessageStatus) -> None:
    assert read(alert(status=status)).status is expected


def test_scope_is_public_only_when_it_says_so() -> None:
    """CAP 1.0 did not ask for a scope."""
    assert read(alert(scope="Restricted")).scope == "Restricted"
    assert read(alert(scope="public")).scope == "Public"
    assert read(alert(scope="")).scope == ""
    assert read(alert(scope="", namespace="http://www.incident.com/cap/1.0")).scope == "Public"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w@x,A-1,2026-11-23T12:00:00+00:00", [("A-1", "w@x", SENT)]),
        ("w@x,A-1,2026-11-23T12:00:00+00:00\n\t w@x,A-2,2026-11-23T13:00:00-00:00", [("A-1", "w@x", SENT), ("A-2", "w@x", SENT + 3600)]),
        pytest.param("w@x,A-1,2026-11-23T12:00:00+00:00;w@x,A-2,2026-11-23T12:00:00+00:00", [("A-1", "w@x", SENT), ("A-2", "w@x", SENT)], id="semicolons"),
        pytest.param("A-1 A-2", [("A-1", "", 0), ("A-2", "", 0)], id="identifiers only"),
        pytest.param("w@x,A-1,18--T00:00:00+00:00", [("A-1", "w@x", 0)], id="a time that is none (Germany 2022)"),
        pytest.param("w@x,A-1", [("A-1", "w@x", 0), ("w@x", "", 0)], id="a pair"),
        pytest.param("w@x,A-1,", [("A-1", "w@x", 0)], id="missing sent"),
        pytest.param(" , ,, ", [], id="commas"),
    ],
)  # fmt: skip
def test_references_however_written(text: str, expected: list[tuple[str, str, int]]) -> None:
    found = read_references(text)
    assert sorted((one.identifier, one.sender, one.sent_epoch_s) for one in found) == sorted(expected)


def test_missing_and_strange_values_become_the_cautious_ones() -> None:
    """Default language, Unknown severity and urgency, a name from the content; each a Problem that says where."""
    data = alert(
        info(language="", severity="Apocalyptic", urgency="", certainty="Very Likely", web="javascript:alert(1)"),
        identifier="",
        msgType="Alarm",
        sent="soon",
    )
    message = read(data)
    (block,) = message.infos
    assert message.identifier.startswith("unnamed-")
    assert read(data).identifier == message.identifier
    assert (message.kind, message.sent_epoch_s) == ("Alert", 0)
    assert (block.language, block.severity, block.urgency, block.certainty) == (
        "en-US",
        Severity.UNKNOWN,
        "Unknown",
        "Likely",
    )
    assert block.web == ""
    assert sorted(codes(data)) == [
        "cap_identifier_missing",
        "cap_msgtype",
        "cap_sent_missing",
        "cap_severity",
        "cap_time",
        "cap_urgency",
    ]
    assert {problem.where for problem in problems(data)} == {message.identifier}


def test_cap_1_0_writes_codes_with_an_equals_sign() -> None:
    data = alert(info(AREA.replace("</area>", "<geocode>FIPS6=006017</geocode></area>"), eventCode="SAME=CAE"))
    block = read(data).infos[0]
    assert (block.event_codes, block.areas[0].geocodes) == ((("SAME", "CAE"),), (("FIPS6", "006017"),))


def test_same_problem_many_times_is_counted() -> None:
    data = alert(info("".join(polygon("100,13 101,13 101,14 100,14") for _ in range(7))))
    (problem,) = problems(data)
    assert (problem.code, problem.count, problem.where) == ("cap_lon_lat", 7, "A-1")


@pytest.mark.parametrize(
    "nasty",
    [
        pytest.param(polygon("1" * 200_000 + "x"), id="digits without end"),
        pytest.param(polygon("1,1 " + " " * 200_000 + "x"), id="blanks without end"),
        pytest.param(polygon("1.1.1." * 50_000), id="dots"),
        pytest.param("<a>" * 100_000 + "</a>" * 100_000, id="nested deeply"),
        pytest.param(area("<circle>1e999,1e999 1e999</circle>"), id="infinity"),
        pytest.param(f"<headline>{'(' * 100_000}</headline>", id="brackets"),
        pytest.param(f"<expires>{'2026-11-23 ' * 20_000}</expires>", id="a time of 200 kB"),
    ],
)
@pytest.mark.timeout(20)
def test_input_made_to_be_slow_is_not(nasty: str) -> None:
    """Linear time whatever a stranger writes; the message stands."""
    assert read(alert(info(nasty, expires=""), references="x,y " * 50_000)).identifier == "A-1"


_TAGS = ["alert", "info", "area", "polygon", "circle", "geocode", "sent", "references", "identifier", "language"]
_TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="<&\x00"), max_size=30),
    st.text("0123456789.,-+e ()\t", max_size=60),
    st.sampled_from(["nan,nan inf,1", "1e999,0 5", "2026-11-23T12:00:00+00:00", "9999999999-1-1T1:1:1Z", BOX]),
)
_TREES = st.recursive(
    _TEXTS,
    lambda inner: st.builds(
        lambda tag, body: f"<{tag}>{''.join(body)}</{tag}>", st.sampled_from(_TAGS), st.lists(inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=120, deadline=None)
@given(st.one_of(st.binary(max_size=200), _TREES.map(lambda tree: f"<alert><info>{tree}</info></alert>".encode())))
def test_decode_never_raises_anything_else(data: bytes) -> None:
    """Any bytes, any tree of CAP's elements: messages or the one error, and ground that can be asked."""
    try:
        decoded = decode(data, feed_id="civil")
    except NotThisFormat:
        return
    for message in decoded.items:
        for block in message.infos:
            for ground in block.areas:
                Ground(ground)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2_000), st.integers(0, 2_000), st.binary(max_size=12))
def test_decode_survives_damage(start: int, length: int, noise: bytes) -> None:
    """A sound message with a piece torn out and noise put in."""
    whole = alert(info(), info(language="vi"))
    data = whole[: start % len(whole)] + noise + whole[start % len(whole) + length :]
    with contextlib.suppress(NotThisFormat):
        decode(data, feed_id="civil")


@pytest.mark.recorded
def test_every_recorded_message_is_read(recordings: Path) -> None:
    """No really issued message is refused or lost, and none is nowhere: each has ground, or says that it is coarse."""
    files = sorted(p for folder in ("xml_real", "bbk_xml_converted") for p in (recordings / "cap" / folder).iterdir())
    assert len(files) > 100
    lost: list[str] = []
    for path in files:
        decoded = decode(path.read_bytes(), feed_id="civil")
        for message in decoded.items:
            lost += [
                f"{path.name}: {message.identifier}"
                for block in message.infos
                if not any(area.polygons or area.circles or area.approximate or area.everywhere for area in block.areas)
                or not block.event
            ]
        if not decoded.items or not all(message.sent_epoch_s and message.sender for message in decoded.items):
            lost.append(path.name)
    assert lost == []


@pytest.mark.recorded
def test_every_recorded_file_is_read_or_refused(recordings: Path) -> None:
    """Also indexes, JSON, tables and deliberately broken files; the external entity is refused."""
    refused = set()
    for path in sorted(p for p in (recordings / "cap").rglob("*") if p.is_file()):
        try:
            decode(path.read_bytes(), feed_id="civil")
        except NotThisFormat:
            refused.add(path.name)
    assert "caplibrary__5e0f61__xee.cap" in refused
    assert not {p.name for p in (recordings / "cap" / "xml_broken").iterdir()} & refused


@pytest.mark.recorded
def test_recorded_points_say_what_the_manifest_says(recordings: Path) -> None:
    """Identifier and number of info blocks of every really issued file, as counted independently."""
    root = recordings / "cap"
    with (root / "MANIFEST.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["folder"] in {"xml_real", "bbk_xml_converted"}]
    checked = 0
    for row in rows:
        path = root / row["folder"] / row["file"]
        if not path.exists():
            continue
        (message,) = decode(path.read_bytes(), feed_id="civil").items
        assert (message.identifier, len(message.infos)) == (row["identifier"], int(row["infos"])), path.name
        checked += 1
    assert checked > 30

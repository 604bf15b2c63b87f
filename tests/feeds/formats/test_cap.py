"""CAP messages as issuers really write them: each fixture says what is nasty about it."""

import contextlib
import csv
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alert import Circle, MessageStatus, Reference, Severity
from domain.errors import NotThisFormat
from domain.geo import Ground
from feeds.formats.cap import decode, read_references
from feeds.formats.cap_times import read_time
from feeds.formats.xml_safely import MAX_BYTES
from tests.feeds.formats.cap_messages import AREA, BOX, alert, codes, info, problems, read

SENT = 1_795_435_200
RING = ((10.0, 50.0), (11.0, 50.0), (11.0, 51.0), (10.0, 51.0), (10.0, 50.0))


def area(inside: str) -> str:
    return f"<area><areaDesc>Here</areaDesc>{inside}</area>"


def polygon(points: str) -> str:
    return area(f"<polygon>{points}</polygon>")


def geocode(name: str, value: str) -> str:
    return f"<geocode><valueName>{name}</valueName><value>{value}</value></geocode>"


def square_degrees(data: bytes) -> float:
    """Ground of the message's polygons."""
    areas = [area for block in read(data).infos for area in block.areas]
    return float(sum(shapely.Polygon(ring).area for area in areas for ring in area.polygons))


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
    ("block", "because"),
    [
        (info(event="Required Monthly Test"), "event type says 'Test'"),
        (
            info(eventCode="<eventCode><valueName>SAME</valueName><value>rmt</value></eventCode>"),
            "event code SAME rmt",
        ),
        (
            info(eventCode="<eventCode><valueName>SAME</valueName><value>DMO</value></eventCode>"),
            "event code SAME DMO",
        ),
        (info(headline="ÜBUNG - Hochwasser"), "headline says 'ÜBUNG'"),
        (info(headline="[TEST] Flood"), "headline says '[TEST]'"),
        (info(event="津波", headline="訓練 津波警報"), "headline says '訓練'"),
        (info(event="Diễn tập bão"), "event type says 'Diễn tập'"),
        (info(description="THIS IS ONLY A TEST - ESTO ES UNA PRUEBA"), "text says 'THIS IS ONLY A TEST'"),
        (
            info(parameter="<parameter><valueName>VTEC</valueName><value>/T.NEW.KOAX.TO.W.0001/</value></parameter>"),
            "VTEC of a test product: /T.NEW.KOAX.TO.W.0001/",
        ),
        *(
            pytest.param(info(event=event), "", id=event)
            for event in (
                "Nuclear test explosion",
                "Missile test",
                "COVID-19 testing centre closed",
                "Oil drill fire",
                "Drill rig blowout",
                "Demonstration",
                "Water test positive",
                "Military exercise with live fire",
            )
        ),
        (info(event="Missile warning test"), "event type says 'test'"),
        (info(event="Demonstration Message"), "event type says 'Demonstration Message'"),
        pytest.param(info(headline="Test results: water is contaminated"), "", id="a laboratory's test"),
        pytest.param(info(description="THIS IS NOT A DRILL. Seek shelter."), "", id="Hawaii 2018"),
        pytest.param(info(headline="Protest in the centre, contest delayed"), "", id="words that hold the word"),
        pytest.param(
            info(eventCode="<eventCode><valueName>SAME</valueName><value>TOR</value></eventCode>"), "", id="tornado"
        ),
    ],
)
def test_tests_that_say_actual_are_recognised(block: str, because: str) -> None:
    """Two of 48 recorded messages are tests with status Actual."""
    assert read(alert(block)).looks_like_test == because


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w@x,A-1,2026-11-23T12:00:00+00:00", [("A-1", "w@x", SENT)]),
        ("w@x,A-1,2026-11-23T12:00:00+00:00\n\t w@x,A-2,2026-11-23T13:00:00-00:00", [("A-1", "w@x", SENT), ("A-2", "w@x", SENT + 3600)]),
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


@pytest.mark.parametrize(
    ("text", "epoch_s"),
    [
        ("2026-11-23T12:00:00+00:00", SENT),
        ("2026-11-23T12:00:00-00:00", SENT),
        ("2026-11-23T12:00:00Z", SENT),
        ("2026-11-23T12:00:00.123456Z", SENT),
        ("2026-11-23T19:00:00+07:00", SENT),
        ("2026-11-23 19:00:00 +0700", SENT),
        pytest.param("2026-11-23T11:00:00,01:00", SENT, id="the schema's pattern lets a comma through"),
        pytest.param("2569-11-23T19:00:00+07:00", SENT, id="Buddhist year"),
        pytest.param("2026-11-23T12:00:00", SENT, id="no zone"),
        pytest.param("2026-11-22T36:00:00Z", 0, id="hour 36"),
        pytest.param("2026-11-22T24:00:00Z", SENT - 43_200, id="hour 24"),
        pytest.param("Mon, 23 Nov 2026 12:00:00 GMT", SENT, id="as in mail"),
        ("2026-02-30T00:00:00Z", 0),
        ("yesterday", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("2026-11-23T12:00:00+99:99", 0),
        ("", 0),
    ],
)
def test_times_however_written(text: str, epoch_s: int) -> None:
    instant = read_time(text)
    assert instant.epoch_s == epoch_s
    assert bool(instant.fault) or instant.epoch_s or not text


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(BOX, id="as the standard says"),
        pytest.param("50,10 50,11 51,11 51,10", id="open"),
        pytest.param(
            "  50.0,10.0\n\t50.0,11.0  51.0,11.0\r\n 51.0,10.0 50.0,10.0 ", id="tabs, newlines, double blanks"
        ),
        pytest.param("50.0, 10.0 50.0, 11.0 51.0 ,11.0 51.0 , 10.0", id="blanks around commas"),
        pytest.param("(50,10) (50,11) (51,11) (51,10)", id="brackets (GDACS)"),
        pytest.param("50 10 50 11 51 11 51 10", id="no commas"),
        pytest.param("50,10,50,11,51,11,51,10", id="only commas"),
        pytest.param("50,10;50,11;51,11;51,10", id="semicolons"),
        pytest.param("50,10,230 50,11,230 51,11,231 51,10,230", id="altitudes"),
        pytest.param("-1.0,-1.0 50,10 50,11 51,11 51,10 50,10", id="placeholder first (Germany 2022)"),
        pytest.param("+50.0,1e1 50,11 51,11 51,10", id="signs and exponents"),
        pytest.param("50,10 50,11, 51,11, 51,10", id="stray commas behind points (US 2011)"),
        pytest.param("50,10 50,11 51,11 51,10 51,11 51,10", id="a spike back and forth"),
    ],
)
def test_polygons_however_written(points: str) -> None:
    """One square degree, whatever the spelling."""
    assert square_degrees(alert(info(polygon(points)))) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "points",
    [
        pytest.param("50,10", id="a point"),
        pytest.param("50,10 51,11", id="a line"),
        pytest.param("50,10 51,11 52,12 50,10", id="a line there and back"),
        pytest.param("48.5;x 49.1;y z", id="no numbers"),
        pytest.param("50,10 north,11 51,south 51,10", id="half of it no numbers"),
    ],
)
def test_a_polygon_that_covers_nothing_does_not_drop_the_message(points: str) -> None:
    """The other polygons stand; alone it leaves an area that is approximate, never nowhere."""
    both = alert(info(area(f"<polygon>{points}</polygon><polygon>{BOX}</polygon>")))
    assert square_degrees(both) == pytest.approx(1.0)
    assert "cap_polygon_unusable" in codes(both)
    (alone,) = read(alert(info(area(f"<polygon>{points}</polygon>{geocode('UGC', 'AKZ026')}")))).infos[0].areas
    assert (alone.polygons, alone.approximate, alone.geocodes) == ((), True, (("UGC", "AKZ026"),))


def test_swapped_coordinates_are_turned_only_when_proven() -> None:
    """Bangkok at latitude 100 cannot be; Munich in lon,lat is a place in the sea off Somalia, and stays there."""
    bangkok = alert(info(polygon("100,13 101,13 101,14 100,14")))
    assert read(bangkok).infos[0].areas[0].polygons[0][0] == (100.0, 13.0)
    assert codes(bangkok) == ["cap_lon_lat"]
    munich = alert(info(polygon("11,48 12,48 12,49 11,49")))
    assert read(munich).infos[0].areas[0].polygons[0][0] == (48.0, 11.0)
    assert codes(munich) == []
    typo = alert(info(polygon("50,10 500,11 50,11 51,11 51,10")))
    assert square_degrees(typo) == pytest.approx(1.0)
    assert codes(typo) == ["cap_point_unreadable"]


def test_bow_tie_and_antimeridian() -> None:
    """Both halves of a self-crossing ring; Fiji's ring is two degrees wide, not 358."""
    assert square_degrees(alert(info(polygon("0,10 2,12 2,10 0,12")))) == pytest.approx(2.0)
    for fiji in ("-17,179 -17,-179 -16,-179 -16,179", "-17,179 -17,181 -16,181 -16,179"):
        (ground,) = read(alert(info(polygon(fiji)))).infos[0].areas
        assert sum(shapely.Polygon(ring).area for ring in ground.polygons) == pytest.approx(2.0)
        assert all(abs(lon) <= 180 for ring in ground.polygons for lon, _ in ring)


@pytest.mark.parametrize(
    ("circle", "expected"),
    [
        ("50.5,10.5 12", Circle(lat=50.5, lon=10.5, radius_m=12_000)),
        pytest.param("50.5, 10.5   12", Circle(lat=50.5, lon=10.5, radius_m=12_000), id="blanks"),
        pytest.param("13.7,190.5 1.5", Circle(lat=13.7, lon=-169.5, radius_m=1_500), id="beyond 180"),
        pytest.param("100.5,13.7 2", Circle(lat=13.7, lon=100.5, radius_m=2_000), id="swapped, proven"),
        pytest.param("50.5,10.5 50000", Circle(lat=50.5, lon=10.5, radius_m=50_000), id="metres, proven"),
    ],
)
def test_circles(circle: str, expected: Circle) -> None:
    """The radius is in kilometres."""
    (ground,) = read(alert(info(area(f"<circle>{circle}</circle>")))).infos[0].areas
    assert (ground.circles, ground.approximate) == ((expected,), False)


@pytest.mark.parametrize("circle", ["50.5,10.5", "50.5,10.5 -3", "here 5", "95,95 5"])
def test_a_bad_circle_is_a_problem(circle: str) -> None:
    data = alert(info(area(f"<circle>{circle}</circle>")))
    assert codes(data) == ["cap_circle_unusable"]
    assert read(data).infos[0].areas[0].approximate


def test_labelled_points_are_ground_only_when_nothing_else_is() -> None:
    """Tsunami messages list harbours with arrival times as circles of radius 0."""
    harbour = area("<circle>54.2,-133.0 0.0</circle>")
    (ground,) = read(alert(info(AREA + harbour + harbour))).infos[0].areas
    assert ground.polygons == (RING,)
    (alone,) = read(alert(info(harbour))).infos[0].areas
    assert (alone.circles, alone.approximate) == ((Circle(lat=54.2, lon=-133.0, radius_m=5_000),), True)
    (coded,) = read(alert(info(area("<circle>54.2,-133.0 0</circle>" + geocode("UGC", "BCZ110"))))).infos[0].areas
    assert (coded.circles, coded.geocodes, coded.approximate) == ((), (("UGC", "BCZ110"),), True)


def test_areas_without_outline() -> None:
    """A code alone, a name alone: approximate. A code for the whole country, or no area: everywhere."""
    blocks = read(
        alert(
            info(area(geocode("SAME", "6001"))),
            info(area("<polygon/>")),
            info(area(geocode("SAME", "000000"))),
        )
    ).infos
    assert [(one.approximate, one.everywhere) for block in blocks for one in block.areas] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert blocks[0].areas[0].geocodes == (("SAME", "006001"),)
    nowhere = alert(info(areas=""))
    assert read(nowhere).infos[0].areas[0].everywhere
    assert codes(nowhere) == ["cap_area_missing"]


def test_ainfos_without_area_speaks_of_the_ground_of_the_others() -> None:
    """A second language that names no area is not a warning for everywhere."""
    message = read(alert(info(), info(areas="", language="fr-CA")))
    assert [block.areas[0].polygons for block in message.infos] == [(RING,), (RING,)]
    assert [block.language for block in message.infos] == ["en-US", "fr-CA"]


def test_a_cancel_without_info_stays_without_ground() -> None:
    message = read(alert("<note>over</note>", msgType="Cancel", references="w@example.org,A-0,2026-11-23T11:00:00Z"))
    assert (message.kind, message.infos) == ("Cancel", ())


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

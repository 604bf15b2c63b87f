"""Ground as issuers write it: whatever the spelling, the people in it are warned, and no others."""

import pytest
import shapely

from domain.alert import Circle
from tests.feeds.formats.cap_messages import AREA, BOX, alert, area, codes, geocode, info, polygon, read

RING = ((10.0, 50.0), (11.0, 50.0), (11.0, 51.0), (10.0, 51.0), (10.0, 50.0))


def square_degrees(data: bytes) -> float:
    """Ground of the message's polygons."""
    areas = [area for block in read(data).infos for area in block.areas]
    return float(sum(shapely.Polygon(ring).area for area in areas for ring in area.polygons))


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
        pytest.param("50 10, 50 11, 51 11, 51 10", id="commas between points only"),
        pytest.param("POLYGON ((10 50, 11 50, 11 51, 10 51, 10 50))", id="well-known text, which is lon lat"),
        pytest.param("50N,10E 50N,11E 51N,11E 51N,10E", id="hemispheres"),
        pytest.param("50°,10° 50°,11° 51°,11° 51°,10°", id="degree signs"),
        pytest.param("50°N 10°E 50°N 11°E 51°N 11°E 51°N 10°E", id="degree signs and hemispheres"),
        pytest.param("50° 10° 50° 11° 51° 11° 51° 10°", id="degree signs and blanks"),
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
        pytest.param("33°52.5N, 51°12.3E, 33°50.0N, 51°15.0E, 33°45.0N, 51°12.0E", id="degrees and minutes"),
        pytest.param("33°52.5,51°12.3 33°50.0,51°15.0 33°45.0,51°12.0", id="degrees and minutes, no letters"),
        pytest.param("33 52.5N 51 12.3E, 33 50.0N 51 15.0E, 33 45.0N 51 12.0E", id="minutes without a sign"),
        pytest.param("N33 52.5 E51 12.3, N33 50.0 E51 15.0, N33 45.0 E51 12.0", id="minutes, letters first"),
        pytest.param("33°52'30\"N 51°12'00\"E 33°50'00\"N 51°15'00\"E 33°45'00\"N 51°12'00\"E", id="seconds"),
        pytest.param("0052N,0012E 0052N,0013E 0053N,0013E", id="minutes run on"),
        pytest.param("-50N,10E 50N,11E 51N,11E", id="a sign and a letter"),
        pytest.param("50N,51N 10E,11E 52N,53N", id="two latitudes for a point"),
        pytest.param("50North,10East 50North,11East 51North,11East", id="words"),
        pytest.param("50N,10 50N,11 51N,11 51N,10", id="a letter on one number only"),
        pytest.param("34.6S,58.4O 34.9S,58.4O 34.9S,58.9O", id="a letter of another language"),
        pytest.param("10E 50 11E 50 11E 51 10E 51", id="east without north"),
        pytest.param("50N,200E 50N,201E 51N,201E", id="letters beyond the Earth"),
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
    missing = alert(
        info(polygon("50,10 50,10.1 50,10.2 50,10.4 50,10.6 50,10.8 nan,nan 50,11 51,11 51,10.5 51,10.2 51,10"))
    )
    assert square_degrees(missing) == pytest.approx(1.0)
    assert codes(missing) == ["cap_point_unreadable"]
    typo = alert(info(polygon("50,10 500,11 50,11 51,11 51,10")))
    assert square_degrees(typo) == pytest.approx(1.0)
    assert codes(typo) == ["cap_point_unreadable"]


@pytest.mark.parametrize(
    "points",
    [
        "34.6S,58.4W 34.9S,58.4W 34.9S,58.9W",
        "58.4W,34.6S 58.4W,34.9S 58.9W,34.9S",
        "S34.6 W58.4 S34.9 W58.4 S34.9 W58.9",
        "w 58.4, s 34.6; w 58.4, s 34.9; w 58.9, s 34.9",
        "58.4°W 34.6°S, 58.4°W 34.9°S, 58.9°W 34.9°S",
        "S34.6W58.4 S34.9W58.4 S34.9W58.9",
        "POLYGON ((58.4W 34.6S, 58.4W 34.9S, 58.9W 34.9S, 58.4W 34.6S))",
    ],
)
def test_letters_say_which_is_the_latitude(points: str) -> None:
    """Buenos Aires in either order, the letter before or behind the number."""
    data = alert(info(polygon(points)))
    (ring,) = read(data).infos[0].areas[0].polygons
    assert set(ring) == {(-58.4, -34.6), (-58.4, -34.9), (-58.9, -34.9)}
    assert codes(data) == []


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
        pytest.param("50.5,10.5 2.5 NM", Circle(lat=50.5, lon=10.5, radius_m=4_630), id="nautical miles"),
        pytest.param("50.5,10.5 5000 m", Circle(lat=50.5, lon=10.5, radius_m=5_000), id="metres, said so"),
        pytest.param("33.5S 150.5E 5km", Circle(lat=-33.5, lon=150.5, radius_m=5_000), id="hemispheres"),
        pytest.param("S33.8,E151.2 5", Circle(lat=-33.8, lon=151.2, radius_m=5_000), id="letters first"),
        pytest.param("151.2°E 33.8°S 5", Circle(lat=-33.8, lon=151.2, radius_m=5_000), id="letters, lon first"),
        pytest.param("50.5°, 10.5° 12", Circle(lat=50.5, lon=10.5, radius_m=12_000), id="degree signs"),
        pytest.param("(50.5,10.5) 12 km", Circle(lat=50.5, lon=10.5, radius_m=12_000), id="brackets"),
        pytest.param("50.5;10.5;12", Circle(lat=50.5, lon=10.5, radius_m=12_000), id="semicolons"),
        *(
            pytest.param(f"50.5,10.5 {radius}", Circle(lat=50.5, lon=10.5, radius_m=metres), id=radius)
            for radius, metres in (
                ("5 nautical miles", 9_260),
                ("1 nautical mile", 1_852),
                ("5 n mi", 9_260),
                ("5 n.mi.", 9_260),
                ("5nmi", 9_260),
                ("10 miles", 16_093.44),
                ("1 statute mile", 1_609.344),
                ("10mi", 16_093.44),
                ("5000 meters", 5_000),
                ("5000 metres", 5_000),
                ("5 Kilometer", 5_000),
                ("5 kilometres", 5_000),
                ("5 kms", 5_000),
            )
        ),
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
    (found,) = ground.circles
    assert (found.lat, found.lon, found.radius_m) == pytest.approx((expected.lat, expected.lon, expected.radius_m))
    assert not ground.approximate


@pytest.mark.parametrize(
    "circle",
    [
        "50.5,10.5",
        "50.5,10.5 -3",
        "here 5",
        "95,95 5",
        "33°52.5N,151°12.0E 5",
        "33°52.5' 151°12.0' 5",
        "33.8S,151.2 5",
        "33.8X,151.2Y 5",
        "34.6S,58.4O 5",
        "50.5,10.5 5 feet",
        "50.5,10.5 5 sm",
        "50.5,10.5 about 5",
        "50.5N,10.5E",
        "50.5,10.5 km",
    ],
)
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


def test_infos_without_area_speaks_of_the_ground_of_the_others() -> None:
    """A second language that names no area is not a warning for everywhere."""
    message = read(alert(info(), info(areas="", language="fr-CA")))
    assert [block.areas[0].polygons for block in message.infos] == [(RING,), (RING,)]
    assert [block.language for block in message.infos] == ["en-US", "fr-CA"]


def test_a_cancel_without_info_stays_without_ground() -> None:
    message = read(alert("<note>over</note>", msgType="Cancel", references="w@example.org,A-0,2026-11-23T11:00:00Z"))
    assert (message.kind, message.infos) == ("Cancel", ())

"""Ground as CAP writes it: polygons and circles in ``lat,lon``, geocodes, and what issuers make of them.

Source: OASIS CAP 1.2 §3.2.4. The quirks are listed, with who writes them, in docs/alerts.md.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

from shapely.errors import ShapelyError

from domain.alert import Area, Circle
from domain.feed import ProblemLevel
from domain.geo import Ring, repair
from feeds.formats import xml_safely as xml

Report = Callable[[str, ProblemLevel, str], None]
"""Takes a problem's code, level and message."""

POINT_RADIUS_M = 5_000.0
"""What a point stands for when a warning has no other ground."""

MAX_SENSIBLE_KM = 20_015.0
"""Half the way around the Earth: a radius beyond it was written in metres."""

MAX_POINTS = 200_000
"""Of one message; the largest seen has 34,066."""

WHOLE_COUNTRY = {("SAME", "000000")}
"""Source: NWS Instruction 10-1712 (SAME location codes)."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(_NUMBER)
_NUMBERS_AND_COMMAS = re.compile(rf"{_NUMBER}(?:,{_NUMBER})*,?")
_WELL_KNOWN = re.compile(r"^\s*POLYGON\s*(?=\()", re.IGNORECASE)
_PAIR = re.compile(rf"{_NUMBER}\s+{_NUMBER}")
_PLAIN = str.maketrans({"\u2212": "-", "\u2013": "-", "º": "°", **dict.fromkeys("()[]{}", " ")})
_MINUTES = re.compile(r"°\s*[-+]?\d+(?:\.\d*)?(?![\d.]|\s*°)")
_LETTER = re.compile(r"(?<![a-z])[NSW](?![a-z])", re.IGNORECASE)
_LETTER_FIRST = re.compile(r"[\s,;]*(?P<letter>[NSEW])\s*(?P<number>\d{1,3}(?:\.\d*)?)(?![\d.])", re.IGNORECASE)
_LETTER_LAST = re.compile(r"[\s,;]*(?P<number>\d{1,3}(?:\.\d*)?)\s*(?P<letter>[NSEW])", re.IGNORECASE)
_UNITS_KM = tuple(
    (re.compile(rf"(?<=[\d.\s])(?:{names})\.?$", re.IGNORECASE), km)
    for names, km in (
        (r"nautical\s+miles?|n\.?\s?mi|nm", 1.852),
        (r"(?:statute\s+)?miles?|mi", 1.609344),
        (r"kilomet(?:er|re|ro)s?|kms?", 1.0),
        (r"met(?:er|re|ro)s?|m", 0.001),
    )
)
_PLACEHOLDERS = {(-1.0, -1.0), (0.0, 0.0)}


def read_areas(info: Element, report: Report) -> tuple[Area, ...]:
    """All areas of an info block; none when it has none. Labelled points go where there is other ground."""
    areas = [_read_area(element, report) for element in xml.children(info, "area")]
    points = [area for area in areas if _is_points(area)]
    if points and len(points) < len(areas):
        report("cap_points_are_not_ground", ProblemLevel.INFO, f"{len(points)} areas are labelled points; left out")
        areas = [area for area in areas if not _is_points(area)]
    return tuple(_widen_points(area) if _is_points(area) else area for area in areas)


def _is_points(area: Area) -> bool:
    return bool(area.circles) and not area.polygons and all(circle.radius_m == 0 for circle in area.circles)


def _widen_points(area: Area) -> Area:
    circles = tuple(replace(circle, radius_m=POINT_RADIUS_M) for circle in area.circles)
    return replace(area, circles=circles, approximate=True)


def _read_area(element: Element, report: Report) -> Area:
    geocodes = tuple(pair for child in xml.children(element, "geocode") for pair in read_pairs(child))
    geocodes = tuple((name, value.zfill(6) if name == "SAME" else value) for name, value in geocodes)
    rings = [ring for child in xml.children(element, "polygon") for ring in read_polygon(xml.own_text(child), report)]
    circles = [
        circle
        for child in xml.children(element, "circle")
        if (circle := read_circle(xml.own_text(child), report)) is not None
    ]
    discs = [circle for circle in circles if circle.radius_m > 0]
    if rings or discs:
        circles = discs
    elif geocodes:
        circles = []
    everywhere = bool(WHOLE_COUNTRY & set(geocodes)) and not rings and not circles
    return Area(
        description=xml.text(element, "areadesc"),
        polygons=tuple(rings),
        circles=tuple(circles),
        geocodes=geocodes,
        approximate=not rings and not circles and not everywhere,
        everywhere=everywhere,
    )


def read_pairs(element: Element) -> tuple[tuple[str, str], ...]:
    """A ``valueName`` and its ``value``; CAP 1.0 wrote ``name=value``."""
    name, values = xml.text(element, "valuename"), [xml.own_text(child) for child in xml.children(element, "value")]
    if not name and not values:
        name, _, value = xml.own_text(element).partition("=")
        name, values = name.strip(), [value.strip()]
    return tuple((name, value) for value in values if name or value)


def read_polygon(text: str, report: Report) -> tuple[Ring, ...]:
    """The rings that a ``<polygon>`` covers; none, with a Problem, when it covers nothing."""
    if not text:
        return ()
    points, unreadable = _read_points(text)
    if len(points) > MAX_POINTS:
        report("cap_polygon_unusable", ProblemLevel.ERROR, f"polygon of {len(points)} points, at most {MAX_POINTS}")
        return ()
    if unreadable:
        report("cap_point_unreadable", ProblemLevel.WARNING, f"{unreadable} points unreadable in {text[:60]!r}")
    if unreadable > len(points) / 10:
        report("cap_polygon_unusable", ProblemLevel.ERROR, f"expected lat,lon pairs, found {text[:60]!r}")
        return ()
    points = _put_in_order(_drop_placeholders(points), report)
    try:
        rings = repair([(lon, lat) for lat, lon in points])
    except (ShapelyError, ValueError) as error:
        report("cap_polygon_unusable", ProblemLevel.ERROR, f"{text[:60]!r}: {error}")
        return ()
    if not rings:
        message = f"expected a ring of at least 4 points that covers ground, found {text[:60]!r}"
        report("cap_polygon_unusable", ProblemLevel.ERROR, message)
    return rings


def _read_points(text: str) -> tuple[list[tuple[float, float]], int]:
    """(lat, lon) pairs and how many could not be read. Takes ``lat,lon``, ``lat, lon``, ``lat lon`` and brackets; and
    well-known text, ``POLYGON ((lon lat, …))``. None at all where minutes stand behind the degrees."""
    text, is_well_known = _WELL_KNOWN.subn("", text)
    plain = " ".join(text.translate(_PLAIN).split())
    if _MINUTES.search(plain):
        return [], 1
    plain = " ".join(plain.replace("°", " ").split())
    if _LETTER.search(plain):
        points = _points_by_letters(plain)
        return points, 0 if points else 1
    pieces = [
        _NUMBERS.findall(piece) for piece in re.split("[,;]", plain.strip(" ,;")) if _PAIR.fullmatch(piece.strip())
    ]
    if len(pieces) > 1 and len(pieces) == len(re.split("[,;]", plain.strip(" ,;"))):
        pairs = [(float(first), float(second)) for first, second in pieces]
        return ([(lat, lon) for lon, lat in pairs] if is_well_known else pairs), 0
    plain = re.sub(r" ?[,;] ?", ",", plain).strip(" ,")
    tokens = plain.split()
    numbers = _NUMBERS.findall(plain)
    if len(tokens) == 1 or "," not in plain:
        # one unbroken list of numbers, or pairs separated by blanks only
        if len(numbers) % 2 or _NUMBERS.sub("", plain).strip(" ,"):
            return [], 1
        values = [float(number) for number in numbers]
        return list(zip(values[::2], values[1::2], strict=True)), 0
    lists = [_NUMBERS.findall(token) if _NUMBERS_AND_COMMAS.fullmatch(token) else [] for token in tokens]
    has_heights = any(len(values) == 3 for values in lists)
    points = []
    unreadable = 0
    for values in lists:
        if (
            len(values) > 3 and len(values) % 2 == 0 and not has_heights
        ):  # a stray comma joined points: 40,-118, 41,-118
            points += zip(map(float, values[::2]), map(float, values[1::2]), strict=True)
        elif len(values) in {2, 3}:
            points.append((float(values[0]), float(values[1])))
        else:
            unreadable += 1
    return points, unreadable


def _drop_placeholders(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without ``-1,-1`` and ``0,0`` that open a ring far away from there (German federal feed, 2022)."""
    real = [point for point in points if point not in _PLACEHOLDERS]
    far = all(abs(lat) > 5 or abs(lon) > 5 for lat, lon in real)
    return real if real and far else points


def _put_in_order(points: list[tuple[float, float]], report: Report) -> list[tuple[float, float]]:
    """In lat,lon: turned round only where a latitude beyond 90° proves the other order (Thailand's feed, 2025)."""
    impossible = sum(abs(lat) > 90 for lat, _ in points)
    if impossible and impossible * 2 >= len(points) and all(abs(lon) <= 90 for _, lon in points):
        report("cap_lon_lat", ProblemLevel.WARNING, "polygon in lon,lat; CAP is lat,lon; turned round")
        points = [(lon, lat) for lat, lon in points]
    sensible = [(lat, lon) for lat, lon in points if abs(lat) <= 90 and abs(lon) <= 540]
    if len(sensible) < len(points):
        lost = len(points) - len(sensible)
        report("cap_point_unreadable", ProblemLevel.WARNING, f"{lost} points that are nowhere on Earth")
    return sensible


def _points_by_letters(plain: str) -> list[tuple[float, float]]:
    """(lat, lon) of ``33.8S,151.2E …`` or ``W58.4 S34.6 …``: the letters say which is which. None at all where a number
    bears no letter (degrees and minutes, say), a letter has no number, or two do not make a point."""
    pattern = _LETTER_FIRST if plain.lstrip(" ,;")[0].isalpha() else _LETTER_LAST
    values: list[tuple[bool, float]] = []
    end = 0
    while found := pattern.match(plain, end):
        letter, number = found["letter"].upper(), float(found["number"])
        values.append((letter in "NS", -number if letter in "SW" else number))
        end = found.end()
    points = []
    for (first_is_lat, first), (second_is_lat, second) in zip(values[::2], values[1::2], strict=False):
        lat, lon = (first, second) if first_is_lat else (second, first)
        if first_is_lat == second_is_lat or abs(lat) > 90 or abs(lon) > 180:
            return []
        points.append((lat, lon))
    return points if not plain[end:].strip(" ,;") and len(values) % 2 == 0 else []


def _without_unit(text: str) -> tuple[str, float]:
    """The circle without the unit that an issuer writes behind its radius, and how many kilometres that is."""
    for unit, km in _UNITS_KM:
        if found := unit.search(text):
            return text[: found.start()].strip(), km
    return text, 1.0


def read_circle(text: str, report: Report) -> Circle | None:
    """The disc that a ``<circle>`` means: ``lat,lon radius`` with the radius in kilometres."""
    if not text:
        return None
    plain, unit_km = _without_unit(" ".join(text.translate(_PLAIN).split()))
    *centre, radius = re.split("[ ,;]+", plain.strip(" ,;"))
    centres, unreadable = _read_points(" ".join(centre))
    if unreadable or len(centres) != 1 or not _NUMBERS.fullmatch(radius) or float(radius) < 0:
        report("cap_circle_unusable", ProblemLevel.ERROR, f"expected lat,lon radius in km, found {text[:60]!r}")
        return None
    ((lat, lon),) = centres
    radius_km = float(radius) * unit_km
    if abs(lat) > 90 and abs(lon) <= 90:
        report("cap_lon_lat", ProblemLevel.WARNING, f"circle in lon,lat: {text[:60]!r}; turned round")
        lat, lon = lon, lat
    if abs(lat) > 90 or abs(lon) > 540:
        report("cap_circle_unusable", ProblemLevel.ERROR, f"centre is nowhere on Earth: {text[:60]!r}")
        return None
    if radius_km > MAX_SENSIBLE_KM:
        report(
            "cap_radius_in_metres", ProblemLevel.WARNING, f"{radius_km:g} km is more than the Earth: taken for metres"
        )
        radius_km = min(radius_km / 1000, MAX_SENSIBLE_KM)
    return Circle(lat=lat, lon=(lon + 540) % 360 - 180, radius_m=radius_km * 1000)

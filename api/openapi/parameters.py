"""What can be asked: every query parameter by name, with its bounds. An endpoint names those it reads."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One query parameter. *schema* is JSON Schema."""

    name: str
    description: str
    schema: dict[str, Any]
    required: bool = False

    def need(self) -> "Parameter":
        """The same, required."""
        return Parameter(name=self.name, description=self.description, schema=self.schema, required=True)


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def _number(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high}


def _whole(low: int, high: int, default: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    return schema if default is None else schema | {"default": default}


_SPAN = 2**31 - 1
"""More than a day counts as a day."""


def _flag(default: bool) -> dict[str, Any]:
    return {"type": "boolean", "default": default}


_DATE = r"(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3])-[0-5][0-9]-[0-5][0-9]"
_ISO = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?"
_INSTANT = _text(pattern=rf"^([0-9]{{1,13}}|{_DATE}(_{_CLOCK}|{_ISO})?)$")
_DAY = _text(pattern=rf"^([0-9]{{1,13}}|{_DATE})$")
_DEGREES = r"-?[0-9]{1,3}(\.[0-9]+)?"
_BOX = _text(pattern=rf"^{_DEGREES},{_DEGREES},{_DEGREES},{_DEGREES}$")

_ALL = (
    Parameter(name="version", description="Of the API. There is only 2.", schema=_text(enum=["2"])),
    Parameter(name="includeReferences", description="Whether to list what is referred to.", schema=_flag(True)),
    Parameter(
        name="time",
        description="Epoch milliseconds, or yyyy-MM-dd_HH-mm-ss on the agency's clock, or ISO 8601; the present if absent. In the "
        "past it is answered as it was then, as far back as the archive goes.",
        schema=_INSTANT,
    ),
    Parameter(name="date", description="A service day: yyyy-MM-dd, or epoch milliseconds in it; today if absent.", schema=_DAY),
    Parameter(name="serviceDate", description="The trip's service day: epoch milliseconds of its start, or yyyy-MM-dd.", schema=_DAY),
    Parameter(name="lat", description="Latitude, degrees.", schema=_number(-90, 90)),
    Parameter(name="lon", description="Longitude, degrees; whole turns do not matter.", schema=_number(-3600, 3600)),
    Parameter(name="radius", description="Metres; 0 is none. It wins over the spans; at most 20,000 count.", schema=_number(0, 1e9)),
    Parameter(name="latSpan", description="Height of a box around the point, degrees.", schema=_number(0, 180)),
    Parameter(name="lonSpan", description="Width of a box around the point, degrees.", schema=_number(0, 360)),
    Parameter(name="lngSpan", description="The same as lonSpan.", schema=_number(0, 360)),
    Parameter(name="query", description="Of stops: their code. Of routes: their short name.", schema=_text(maxLength=200)),
    Parameter(name="routeType", description="GTFS route types with commas between.", schema=_text(pattern=r"^[0-9]{1,4}(,[0-9]{1,4}){0,9}$")),
    Parameter(name="maxCount", description="The most to list.", schema=_whole(1, 1_000_000)),
    Parameter(name="minutesBefore", description="How long ago the first may have left; at most a day counts.", schema=_whole(0, _SPAN, 5)),
    Parameter(name="minutesAfter", description="How far ahead the last may come; at most a day counts.", schema=_whole(0, _SPAN, 35)),
    Parameter(name="frequencyMinutesBefore", description="The same of trips without published times, if it differs; 2 where only the other is given.", schema=_whole(0, _SPAN)),
    Parameter(name="frequencyMinutesAfter", description="The same of trips without published times, if it differs; 30 where only the other is given.", schema=_whole(0, _SPAN)),
    Parameter(name="includeIntervals", description="Whether predicted times come with their bands, where known.", schema=_flag(False)),
    Parameter(name="emptyReturnsNotFound", description="404 where nothing is found.", schema=_flag(False)),
    Parameter(name="tripId", description="A trip.", schema=_text(maxLength=512)),
    Parameter(name="routeId", description="A route.", schema=_text(maxLength=512)),
    Parameter(name="stopId", description="A stop.", schema=_text(maxLength=512)),
    Parameter(name="vehicleId", description="A vehicle.", schema=_text(maxLength=512)),
    Parameter(name="stopSequence", description="0-based position in the trip; tells the calls of a loop apart.", schema=_whole(-1, 10_000, -1)),
    Parameter(name="includePolylines", description="Whether to draw the route.", schema=_flag(True)),
    Parameter(name="includeTrip", description="Whether to list the trip.", schema={"type": "boolean"}),
    Parameter(name="includeSchedule", description="Whether to list its calls.", schema={"type": "boolean"}),
    Parameter(name="includeStatus", description="Whether to say how it is doing.", schema={"type": "boolean"}),
    Parameter(name="ageInSeconds", description="Leave out vehicles heard of longer ago.", schema=_whole(0, 10**9)),
    Parameter(name="input", description="A name, a code or the beginning of one; accents, case and typing errors do not matter.", schema=_text(minLength=1, maxLength=200)),
    Parameter(name="code", description="What is wrong.", schema=_text(maxLength=40)),
    Parameter(name="data", description="The same as JSON with code, as old apps send it.", schema=_text(maxLength=200)),
    Parameter(name="userComment", description="A rider's words; the first 1,000 letters are kept.", schema=_text(maxLength=2000)),
    Parameter(name="userLat", description="Where the rider is; kept to some 100 m.", schema=_number(-90, 90)),
    Parameter(name="userLon", description="Where the rider is; kept to some 100 m.", schema=_number(-3600, 3600)),
    Parameter(name="userLocationAccuracy", description="Metres.", schema=_number(0, 1e7)),
    Parameter(name="userOnVehicle", description="Whether the rider is aboard.", schema={"type": "boolean"}),
    Parameter(name="userVehicleNumber", description="As it is written on the vehicle.", schema=_text(maxLength=128)),
    Parameter(name="removeAgencyIds", description="Ids as the agency writes them; false: with its code before.", schema=_flag(True)),
    Parameter(name="routeFilterId", description="Only what belongs to that route.", schema=_text(maxLength=512)),
    Parameter(name="test", description="Anything: tests and exercises too.", schema=_text(maxLength=10)),
    Parameter(name="language", description="A language tag; else Accept-Language.", schema=_text(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$")),
    Parameter(name="bbox", description="west,south,east,north in degrees.", schema=_BOX),
    Parameter(name="days", description="Local days, today included.", schema=_whole(1, 35, 7)),
    Parameter(name="route", description="Only this route.", schema=_text(maxLength=512)),
    Parameter(name="stops", description="Ids with commas between, at most 50.", schema=_text(minLength=1, maxLength=4000)),
    Parameter(name="stop", description="One more id; may be repeated, and hold commas.", schema={"type": "array", "items": _text(minLength=1, maxLength=512), "maxItems": 50}),
    Parameter(name="q", description="A name, a stop code or a route, or the beginning of one.", schema=_text(minLength=1, maxLength=200)),
    Parameter(name="limit", description="The most to list.", schema=_whole(1, 50, 10)),
    Parameter(name="types", description="What to look for.", schema=_text(enum=["stop", "route", "stop,route"])),
    Parameter(name="lang", description="Of the page, kept in a cookie.", schema=_text(pattern="^[a-z]{2}$")),
)  # fmt: skip

EXPLAINED = (
    Parameter(name="stop", description="The stop.", schema=_text(minLength=1, maxLength=512), required=True),
    Parameter(name="trip", description="The trip.", schema=_text(minLength=1, maxLength=512), required=True),
)
"""Which arrival is to be explained."""
BY_NAME = {parameter.name: parameter for parameter in _ALL}


def named(names: str) -> list[Parameter]:
    """Parameters by name, in order; ``!`` after a name: required."""
    return [BY_NAME[name[:-1]].need() if name.endswith("!") else BY_NAME[name] for name in names.split()]

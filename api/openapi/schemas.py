"""What answers look like. A schema is a line of ``name:type``; ``?`` after a type: may be null, after a name: may be absent.

Types: ``s`` text, ``i`` whole number, ``n`` number, ``b`` true or false, ``x`` anything, ``[T]`` a list, a name another schema.
"""

from typing import Any

Schema = dict[str, Any]

_PLAIN: dict[str, Schema] = {
    "s": {"type": "string"},
    "i": {"type": "integer"},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "x": {},
}

_LINES: dict[str, tuple[str, str]] = {
    # --- OneBusAway's
    "Agency": (
        "An operator. Its id is its code in this deployment.",
        "disclaimer:s email:s fareUrl:s id:s lang:s name:s phone:s privateService:b timezone:s url:s",
    ),
    "Coverage": ("The box that an agency's stops lie in, degrees.", "agencyId:s lat:n latSpan:n lon:n lonSpan:n"),
    "Route": (
        "A line. Colours are RRGGBB or blank; type is GTFS's route_type.",
        "agencyId:s color:s description:s id:s longName:s nullSafeShortName:s shortName:s textColor:s type:i url:s",
    ),
    "Stop": (
        "A stop (locationType 0) or station (1). direction is where departing vehicles head: N, NE … or blank.",
        (
            "code:s direction:s id:s lat:n locationType:i lon:n name:s parent:s routeIds:[s] staticRouteIds:[s] "
            "wheelchairBoarding:s"
        ),
    ),
    "Trip": (
        "One run from first to last stop, on any day its service is active.",
        (
            "blockId:s directionId:s id:s peakOffpeak:i routeId:s routeShortName:s serviceId:s shapeId:s timeZone:s "
            "tripHeadsign:s tripShortName:s"
        ),
    ),
    "Words": ("A text in one language.", "lang:s value:s"),
    "Window": ("From and to, epoch milliseconds; without to it has no end.", "from:i to?:i"),
    "Affected": (
        "What a situation is about; blank where it says nothing.",
        "agencyId:s applicationId:s directionId:s routeId:s stopId:s tripId:s",
    ),
    "Situation": (
        "A notice about routes, stops or trips.",
        (
            "activeWindows:[Window] allAffects:[Affected] consequenceMessage:s consequences:[x] creationTime:i "
            "description:Words id:s publicationWindows:[Window] reason:s severity:s summary:Words url:Words"
        ),
    ),
    "References": (
        "What an answer refers to, each once; six empty lists with includeReferences=false.",
        "agencies:[Agency] routes:[Route] situations:[Situation] stopTimes:[x] stops:[Stop] trips:[Trip]",
    ),
    "Location": ("WGS 84, degrees.", "lat:n lon:n"),
    "Frequency": (
        "A window in which vehicles come every headway seconds, without published times.",
        "endTime:i exactTimes:i headway:i startTime:i",
    ),
    "Interval": ("Epoch milliseconds between which 80 of 100 such predictions come true.", "from:i to:i"),
    "TripStatus": (
        (
            "How a trip is doing. Metres along the trip; scheduleDeviation in seconds, late is positive; angles in degrees, "
            "counter-clockwise from east."
        ),
        (
            "activeTripId:s blockTripSequence:i closestStop:s closestStopTimeOffset:i distanceAlongTrip:n frequency:x "
            "lastKnownDistanceAlongTrip:i lastKnownLocation?:Location lastKnownOrientation:n lastLocationUpdateTime:i "
            "lastUpdateTime:i nextStop:s nextStopTimeOffset:i occupancyCapacity:i occupancyCount:i occupancyStatus:s "
            "orientation:n phase:s position:Location predicted:b scheduleDeviation:i scheduledDistanceAlongTrip:n "
            "serviceDate:i situationIds:[s] status:s totalDistanceAlongTrip:n vehicleFeatures:[s] vehicleId:s"
        ),
    ),
    "ArrivalAndDeparture": (
        (
            "One call of one trip at one stop. Times are epoch milliseconds; predicted times are 0 unless predicted. "
            "stopSequence counts from 0. status is CANCELED for a trip that does not run. waysideNotes say what is doubtful: "
            "vehicleMissing, tripInferred, vehicleOffRoute, uncertain."
        ),
        (
            "actualTrack:s arrivalEnabled:b blockTripSequence:i departureEnabled:b distanceFromStop:n frequency:Frequency? "
            "historicalOccupancy:s lastUpdateTime:i numberOfStopsAway:i occupancyStatus:s predicted:b "
            "predictedArrivalInterval:Interval? predictedArrivalTime:i predictedDepartureInterval:Interval? predictedDepartureTime:i "
            "predictedOccupancy:s routeId:s routeLongName:s routeShortName:s scheduledArrivalInterval:x "
            "scheduledArrivalTime:i scheduledDepartureInterval:x scheduledDepartureTime:i scheduledTrack:s serviceDate:i "
            "situationIds:[s] status:s stopId:s stopSequence:i totalStopsInTrip:i tripHeadsign:s tripId:s "
            "tripStatus?:TripStatus vehicleId:s waysideNotes?:[s]"
        ),
    ),
    "StopArrivals": (
        "A stop's arrivals in the order they come.",
        "arrivalsAndDepartures:[ArrivalAndDeparture] nearbyStopIds:[s] situationIds:[s] stopId:s",
    ),
    "NearbyStop": ("A stop, and how far it is.", "distanceFromQuery:n stopId:s"),
    "PlaceArrivals": (
        "The arrivals of all stops around a place.",
        (
            "arrivalsAndDepartures:[ArrivalAndDeparture] limitExceeded:b nearbyStopIds:[NearbyStop] situationIds:[s] "
            "stopIds:[s]"
        ),
    ),
    "StopTime": (
        "A scheduled call: seconds after the service day's start, metres along the trip.",
        "arrivalTime:i departureTime:i distanceAlongTrip:n historicalOccupancy:s stopHeadsign:s stopId:s",
    ),
    "TripSchedule": (
        "A trip's calls.",
        "frequency:Frequency? nextTripId:s previousTripId:s stopTimes:[StopTime] timeZone:s",
    ),
    "TripDetails": (
        "A trip on one day; schedule and status where asked for.",
        "frequency:Frequency? schedule?:TripSchedule serviceDate:i situationIds:[s] status?:TripStatus tripId:s",
    ),
    "VehicleStatus": (
        "A vehicle that is heard of.",
        (
            "lastLocationUpdateTime:i lastUpdateTime:i location?:Location occupancyCapacity:i occupancyCount:i "
            "occupancyStatus:s phase:s status:s tripId:s tripStatus?:TripStatus vehicleId:s"
        ),
    ),
    "Polyline": ("Points as Google's encoded polyline.", "length:i levels:s points:s"),
    "StopGroup": (
        "One direction of a route: as the timetable says, or, where it does not, trips that share legs.",
        "id:s name:x polylines:[Polyline] stopIds:[s] subGroups:[x]",
    ),
    "StopGrouping": ("A route's directions.", "ordered:b stopGroups:[StopGroup] type:s"),
    "RouteStops": (
        "A route's stops, as a whole and in order for each direction.",
        "polylines:[Polyline] routeId:s stopGroupings:[StopGrouping] stopIds:[s]",
    ),
    "StopSchedule": ("A stop's day of the timetable, by route and headsign.", "date:i stopId:s stopRouteSchedules:[x]"),
    "RouteSchedule": (
        "A route's day of the timetable.",
        "routeId:s scheduleDate:i serviceIds:[s] stopTripGroupings:[x]",
    ),
    "Block": ("The trips that one vehicle runs one after the other.", "configurations:[x] id:s"),
    "Config": ("What is served.", "gitProperties:x id:s name:s serviceDateFrom:s serviceDateTo:s"),
    "Time": ("The city's present.", "readableTime:s time:i"),
    "ProblemReport": ("What a rider reported.", "code:s createdAt:i userComment:s"),
    "Refusal": (
        (
            "Why a request is not answered. code is the HTTP status; data.fieldErrors names the parameter (or id) and what "
            "was expected of it."
        ),
        "code:i currentTime:i data?:x text:s version:i",
    ),
    # --- our own
    "Decision": ("What came of it, as a word and in words.", "because:s text:s"),
    "StopTimeUpdate": (
        "What a feed says of one call, as it writes it.",
        (
            "is?:s stopSequence:i? stopId:s relationship:s arrivalTime:i arrivalDelaySeconds:i? departureTime:i "
            "departureDelaySeconds:i?"
        ),
    ),
    "Said": (
        "What a feed says of a trip, as it writes it; ofThisCall is the update that reaches the call.",
        (
            "fetchedAt:i tripId:s routeId:s startDate:i? startTimeSeconds:i? delaySeconds:i? timestamp:i vehicleId:s "
            "timetableTripId:s ofThisCall:StopTimeUpdate? stopTimeUpdates:[StopTimeUpdate]"
        ),
    ),
    "ExplainedRealtime": (
        "The feed whose word counts, when it was polled, how it is, and how its words became a time.",
        (
            "feed:s name:s kind:s polledAt:i changedAt:i state:s usable:b why:s headerAt:i reportedAt:i priority:i "
            "relationship:s match:s matchText:s rule:s ruleText:s said:Said?"
        ),
    ),
    "ExplainedVehicle": (
        "The vehicle that the trip is told of.",
        "feed:s vehicleId:s locatedAt:i lat:n lon:n isOnThisTrip:b tripId:s nextStopSequence:i",
    ),
    "ExplainedPrediction": (
        (
            "What was predicted, by whom; the seconds are the 10th and 90th percentile beside it; learned holds the sum that "
            "ours is made of where a vehicle is followed, also while the agency's time is told."
        ),
        (
            "source:s computedAt:i version:i deviationSeconds:i? arrivalTime:i departureTime:i earlySeconds:i lateSeconds:i "
            "flags:[s] learned:x"
        ),
    ),
    "ExplainedTrip": (
        "The trip in the timetable.",
        "tripId:s routeId:s agency:s service:s arrivalTime:i departureTime:i",
    ),
    "ExplainedTimetable": (
        "What the timetable has.",
        "feed:s generation:s importedAt:i stopId:s serviceDate:i stopSequence:i trip:ExplainedTrip?",
    ),
    "Explanation": (
        "Why a rider sees what they see; arrival is null when nothing is shown.",
        (
            "currentTime:i arrival:ArrivalAndDeparture? decision:Decision timetable:ExplainedTimetable "
            "realtime:ExplainedRealtime? vehicle:ExplainedVehicle? prediction:ExplainedPrediction?"
        ),
    ),
    "SearchResult": ("A stop, station or route.", "type:s id:s"),
    "SearchResults": ("Best first.", "query:s folded:s results:[SearchResult]"),
    "RouteLines": ("The lines that a route's vehicles draw.", "color:s polylines:[Polyline] routeId:s"),
    "FeatureCollection": ("GeoJSON (RFC 7946); positions are lon, lat.", "type:s features:[x]"),
    "AlertDetails": ("One alert; in every language below infos.", "alert:x infos:[x]"),
    "TripRisks": ("Running trips that pass through the area of an alert in force.", "tripRisks:[x]"),
    "Accuracy": ("How good predictions turned out to be.", "days:i definitions:x feeds:x"),
    "DeliveredTrips": ("Trips that ran and trips that did not.", "days:i definitions:x feeds:x"),
    "Feeds": ("Every feed, worst first.", "feeds:[x]"),
    "Status": ("The process answers.", "status:s"),
    "Readiness": (
        "Whether arrivals can be served, and if not why; missing are GTFS feeds whose timetable is not loaded.",
        "ready:b reasons:[s] missing:[s]",
    ),
    "Subscription": (
        "What is kept of a device: places rounded outward, and no token.",
        "subscription_id:s device:x language:s places:[x] minimum_level:s created_at:s seen_at:s",
    ),
    "RegionError": ("There is no such region.", "error:s"),
    "Regions": ("The apps' directory of regions, with this deployment in it.", "code:i data:x text:s version:i"),
}


def _typed(name: str) -> Schema:
    if name.endswith("?"):
        return {"anyOf": [_typed(name[:-1]), {"type": "null"}]}
    if name.startswith("["):
        return {"type": "array", "items": _typed(name[1:-1])}
    return dict(_PLAIN[name]) if name in _PLAIN else {"$ref": f"#/components/schemas/{name}"}


def reference(name: str) -> Schema:
    """A schema by its name or short type."""
    return _typed(name)


def components() -> dict[str, Schema]:
    """Every named schema."""
    found = {}
    for name, (description, line) in _LINES.items():
        members = [part.partition(":") for part in line.split()]
        found[name] = {
            "type": "object",
            "description": description,
            "required": [member for member, _, _ in members if not member.endswith("?")],
            "properties": {member.removesuffix("?"): _typed(kind) for member, _, kind in members},
        }
    return found


def envelope(data: Schema) -> Schema:
    """OneBusAway's answer around its data."""
    return {
        "type": "object",
        "required": ["code", "currentTime", "data", "text", "version"],
        "properties": {
            "code": {"const": 200},
            "currentTime": {"type": "integer", "description": "Epoch milliseconds."},
            "data": data,
            "text": {"type": "string"},
            "version": {"const": 2},
        },
    }


def entry_of(kind: str) -> Schema:
    """One thing, with what it refers to."""
    properties = {"entry": _typed(kind), "references": _typed("References")}
    return envelope({"type": "object", "required": ["entry", "references"], "properties": properties})


def list_of(kind: str) -> Schema:
    """A list, with what it refers to."""
    properties = {
        "limitExceeded": {"type": "boolean", "description": "There is more than is listed."},
        "list": {"type": "array", "items": _typed(kind)},
        "outOfRange": {"type": "boolean", "description": "The place asked about is not served."},
        "references": _typed("References"),
    }
    return envelope({"type": "object", "required": ["limitExceeded", "list", "references"], "properties": properties})

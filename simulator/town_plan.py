"""The plan of Larkhaven, an invented town: its places, its street names, its routes. Data only."""

from dataclasses import dataclass
from enum import StrEnum

TOWN = "Larkhaven"
TIMEZONE = "America/Halifax"


@dataclass(frozen=True, slots=True)
class Agency:
    """An operator of the invented town."""

    agency_id: str
    name: str
    url: str
    phone: str


TOWN_TRANSIT = Agency("LT", "Larkhaven Transit", "https://transit.larkhaven.example", "555-0134")
HARBOUR_FERRIES = Agency("HF", "Larkhaven Harbour Ferries", "https://ferries.larkhaven.example", "555-0178")
AGENCIES = (TOWN_TRANSIT, HARBOUR_FERRIES)

PLACES: dict[str, tuple[int, int]] = {
    "Central Station": (14, 14),
    "Harbour Terminal": (17, 3),
    "Eastfield Interchange": (26, 14),
    "Northgate Station": (12, 24),
    "Westbrook Terminal": (3, 14),
    "University": (7, 8),
    "Royal Larch Hospital": (9, 19),
    "Aerodrome": (31, 25),
    "Mill Village": (31, 5),
    "Fairview": (24, 24),
    "East Quay": (25, 3),
    "Saltmarsh": (29, 1),
    "Old Fort": (12, 1),
    "Pinehurst": (2, 25),
    "Quarry Hill": (6, 26),
    "Cedar Heights": (3, 3),
    "Riverside": (17, 19),
    "Ironworks": (27, 9),
    "Botanic Garden": (10, 11),
    "Museum Quarter": (16, 9),
    "Stadium": (24, 19),
    "Tanners Row": (21, 14),
    "Foxglove": (32, 18),
    "Larkfield": (22, 27),
    "Weir Bank": (16, 26),
    "Alder Park": (1, 19),
    "Technical College": (31, 12),
    "Market Square": (15, 6),
    "Windmill Corner": (8, 2),
    "Brickfields": (32, 9),
}
"""Name to (column, row) on the street grid."""

STATIONS: dict[str, int] = {
    "Central Station": 8,
    "Harbour Terminal": 5,
    "Eastfield Interchange": 5,
    "Northgate Station": 4,
    "Westbrook Terminal": 3,
}
"""Places that are stations, with their number of platforms."""

VIETNAMESE: dict[str, str] = {
    "Central Station": "Ga Trung tâm",
    "Harbour Terminal": "Bến Cảng",
    "Eastfield Interchange": "Trạm trung chuyển Eastfield",
    "Northgate Station": "Ga Cổng Bắc",
    "Westbrook Terminal": "Bến Westbrook",
    "University": "Đại học",
    "Royal Larch Hospital": "Bệnh viện Royal Larch",
    "Aerodrome": "Sân bay nhỏ",
    "Stadium": "Sân vận động",
    "Market Square": "Quảng trường Chợ",
    "Botanic Garden": "Vườn Bách thảo",
    "Museum Quarter": "Khu Bảo tàng",
}

AVENUES = (
    "Alder", "Beech", "Cedar", "Dogwood", "Elder", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Knapweed", "Larch",
    "Maple", "Nettle", "Oak", "Pine", "Quince", "Rowan", "Sorrel", "Thorn", "Umber", "Vetch", "Willow", "Yarrow",
    "Aspen", "Bramble", "Clover", "Damson", "Elm", "Fern", "Hawthorn", "Laurel", "Mallow", "Poplar",
)  # fmt: skip
"""Names of the streets that run south to north, from the west."""

STREETS = (
    "Avocet", "Bittern", "Curlew", "Dunlin", "Eider", "Finch", "Gannet", "Heron", "Ibis", "Jackdaw", "Kestrel",
    "Lapwing", "Merlin", "Nightjar", "Osprey", "Plover", "Quail", "Redstart", "Swift", "Teal", "Turnstone", "Veery",
    "Wren", "Whinchat", "Wigeon", "Yellowhammer", "Sandpiper", "Skylark",
)  # fmt: skip
"""Names of the streets that run west to east, from the south."""


class Mode(StrEnum):
    """What runs, with its GTFS ``route_type``."""

    TRAM = "0"
    BUS = "3"
    FERRY = "4"


class Pace(StrEnum):
    """How often a route runs; the headways are in ``simulator.timetable``."""

    TRAM = "tram"
    TRUNK = "trunk"
    REGULAR = "regular"
    LOCAL = "local"
    FERRY = "ferry"
    NIGHT = "night"
    SHUTTLE = "shuttle"


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """A route as planned: the places it passes, in order of direction 0."""

    short_name: str
    via: tuple[str, ...]
    pace: Pace
    mode: Mode = Mode.BUS
    long_name: str = ""
    express: bool = False
    """Stops only at every fourth site and at named places; boards only near its start."""
    on_request: bool = False
    """Between its ends one must phone the agency (``pickup_type`` 2)."""
    ask_driver: bool = False
    """Between its ends one arranges it with the driver (``drop_off_type`` 3)."""
    blank_times: bool = False
    """Gives times at its timepoints only."""
    short_turn: int = 0
    """Every n-th trip of direction 0 ends at two thirds of the way; 0 is never."""

    @property
    def is_loop(self) -> bool:
        """It ends where it began."""
        return self.via[0] == self.via[-1]


def _route(short_name: str, pace: Pace, *via: str) -> RoutePlan:
    return RoutePlan(short_name, via, pace)


ROUTES: tuple[RoutePlan, ...] = (
    RoutePlan("T1", ("Westbrook Terminal", "Botanic Garden", "Central Station", "Tanners Row", "Eastfield Interchange",
                     "Technical College"), Pace.TRAM, Mode.TRAM),
    RoutePlan("T2", ("Northgate Station", "Riverside", "Central Station", "Museum Quarter", "Harbour Terminal"),
              Pace.TRAM, Mode.TRAM),
    RoutePlan("F1", ("Harbour Landing", "East Quay Landing", "Breakwater"), Pace.FERRY, Mode.FERRY,
              long_name="Harbour Crossing"),
    _route("1", Pace.TRUNK, "Cedar Heights", "University", "Central Station", "Riverside", "Northgate Station"),
    RoutePlan("2", ("Harbour Terminal", "Market Square", "Central Station", "Royal Larch Hospital", "Quarry Hill"),
              Pace.TRUNK, short_turn=3),
    _route("3", Pace.TRUNK, "Westbrook Terminal", "Central Station", "Eastfield Interchange", "Foxglove"),
    _route("4", Pace.TRUNK, "Pinehurst", "Royal Larch Hospital", "Central Station", "Museum Quarter", "East Quay",
           "Saltmarsh"),
    _route("5", Pace.TRUNK, "Fairview", "Stadium", "Eastfield Interchange", "Ironworks", "Mill Village"),
    _route("6", Pace.TRUNK, "Aerodrome", "Fairview", "Northgate Station", "Royal Larch Hospital"),
    _route("7", Pace.REGULAR, "University", "Botanic Garden", "Central Station", "Tanners Row", "Stadium",
           "Larkfield"),
    _route("8", Pace.REGULAR, "Old Fort", "Market Square", "Museum Quarter", "Central Station"),
    RoutePlan("9X", ("Aerodrome", "Stadium", "Eastfield Interchange", "Central Station"), Pace.LOCAL,
              long_name="Aerodrome Express", express=True),
    _route("10", Pace.REGULAR, "Alder Park", "Royal Larch Hospital", "Central Station", "Riverside", "Weir Bank"),
    _route("11", Pace.REGULAR, "Central Station", "Tanners Row", "Ironworks", "Brickfields"),
    _route("12", Pace.REGULAR, "Windmill Corner", "University", "Museum Quarter", "Eastfield Interchange"),
    RoutePlan("14", ("Northgate Station", "Weir Bank", "Larkfield", "Fairview", "Aerodrome"), Pace.REGULAR,
              blank_times=True),
    _route("15", Pace.REGULAR, "Central Station", "Eastfield Interchange", "Technical College", "Mill Village"),
    _route("16", Pace.REGULAR, "Westbrook Terminal", "University", "Windmill Corner", "Old Fort", "Harbour Terminal"),
    _route("17", Pace.REGULAR, "Northgate Station", "Quarry Hill", "Pinehurst", "Alder Park", "Westbrook Terminal"),
    _route("18", Pace.REGULAR, "Harbour Terminal", "Market Square", "Tanners Row", "Stadium", "Fairview"),
    _route("20", Pace.REGULAR, "East Quay", "Ironworks", "Eastfield Interchange", "Stadium", "Larkfield"),
    _route("21", Pace.REGULAR, "Saltmarsh", "Mill Village", "Brickfields", "Technical College", "Foxglove"),
    _route("22", Pace.REGULAR, "Foxglove", "Stadium", "Riverside", "Royal Larch Hospital", "Alder Park"),
    _route("23", Pace.REGULAR, "Central Station", "Royal Larch Hospital", "Northgate Station"),
    _route("24", Pace.REGULAR, "Cedar Heights", "Westbrook Terminal", "Alder Park", "Pinehurst"),
    _route("25", Pace.REGULAR, "Botanic Garden", "Museum Quarter", "Market Square", "East Quay"),
    _route("31", Pace.LOCAL, "Quarry Hill", "Pinehurst", "Alder Park", "Botanic Garden"),
    _route("32", Pace.LOCAL, "Larkfield", "Fairview", "Aerodrome", "Foxglove"),
    _route("33", Pace.LOCAL, "Westbrook Terminal", "Cedar Heights", "Windmill Corner", "Old Fort"),
    RoutePlan("34", ("Mill Village", "Brickfields", "Technical College", "Foxglove", "Stadium"), Pace.LOCAL,
              blank_times=True),
    _route("35", Pace.LOCAL, "Saltmarsh", "East Quay", "Ironworks"),
    _route("36", Pace.LOCAL, "Westbrook Terminal", "Botanic Garden", "Market Square", "Harbour Terminal"),
    RoutePlan("37", ("Saltmarsh", "Mill Village", "Ironworks"), Pace.LOCAL, on_request=True),
    RoutePlan("38", ("Weir Bank", "Northgate Station", "Quarry Hill"), Pace.LOCAL, ask_driver=True),
    RoutePlan("L", ("Central Station", "Museum Quarter", "Market Square", "University", "Botanic Garden",
                    "Central Station"), Pace.REGULAR, long_name="Old Town Loop"),
    RoutePlan("U", ("University", "Botanic Garden", "Royal Larch Hospital"), Pace.SHUTTLE,
              long_name="Campus Shuttle"),
    _route("39", Pace.LOCAL, "Aerodrome", "Foxglove", "Technical College", "Ironworks", "East Quay"),
    _route("N1", Pace.NIGHT, "University", "Central Station", "Tanners Row", "Eastfield Interchange", "Fairview"),
    _route("N2", Pace.NIGHT, "Harbour Terminal", "Market Square", "Central Station", "Northgate Station", "Pinehurst"),
    _route("N3", Pace.NIGHT, "Westbrook Terminal", "Central Station", "Museum Quarter", "East Quay", "Mill Village"),
)  # fmt: skip

BUNCHING_BY_DAY = "7"
BUNCHING_ROUTES = frozenset({BUNCHING_BY_DAY, "N1"})
"""By day and by night: every second bus runs late and the next one catches up."""

DETOUR_ROUTES = frozenset({"12", "N2"})
"""By day and by night: direction 0 finds a street closed and drives around it."""

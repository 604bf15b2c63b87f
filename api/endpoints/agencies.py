"""``agencies-with-coverage``, ``agency``, and everything of an agency: stops, routes' and stops' ids, trips, shapes."""

from api import params
from api.around import middle_lon
from api.endpoints.trips import Parts, details_of
from api.formats import oba
from api.references import References
from api.running import under_way
from api.served import Served
from api.visits import moment
from api.where import Ask
from domain.ids import qualify


def agencies_with_coverage(ask: Ask) -> bytes:
    """Every agency with the box that its stops lie in; one without any stop is left out."""
    rows = []
    for served in ask.served():
        bundle, fragments = served.bundle, served.fragments
        for row, agency in enumerate(bundle.agencies):
            bounds = bundle.meta["agency_bounds"][row]
            if bounds is None:
                continue
            south, west, north, east = bounds
            coverage = {
                "agencyId": agency.code,
                "lat": (south + north) / 2,
                "latSpan": north - south,
                "lon": middle_lon(west, east),
                "lonSpan": east - west,
            }
            rows.append(oba.encode(coverage))
            agency_id, reference = fragments.agencies[row]
            ask.references.agencies[agency_id] = reference
    return oba.listing(rows, ask.encoded_references())


def agency(ask: Ask) -> bytes:
    """One agency, by its code."""
    served, row = ask.agency()
    return ask.entry(served.fragments.agencies[row][1])


def route_ids_for_agency(ask: Ask) -> bytes:
    """Ids of the agency's routes, in the order in which it wants them shown."""
    served, agency = ask.agency()
    return oba.listing(
        [served.fragments.route(row).id for row in served.fragments.routes_of(agency)], ask.encoded_references()
    )


def stop_ids_for_agency(ask: Ask) -> bytes:
    """Ids of the agency's stops and stations."""
    served, agency = ask.agency()
    piece = served.kept.of(
        ("stop-ids", agency),
        lambda: (b",".join(served.fragments.stop_id(row) for row in stops_of(served, agency)), References()),
    )
    return oba.listing([piece.body], ask.references_of(piece))


def stops_for_agency(ask: Ask) -> bytes:
    """The agency's stops and stations, with their routes."""
    served, agency = ask.agency()
    piece = served.kept.of(("stops", agency), lambda: _stops(served, agency))
    return oba.listing([piece.body], ask.references_of(piece))


def _stops(served: Served, agency: int) -> tuple[bytes, References]:
    references = References()
    pieces = [served.fragments.stop(row) for row in stops_of(served, agency)]
    for piece in pieces:
        references.add_stop(piece)
    for piece in pieces:
        references.stops.pop(piece.id, None)
    return b",".join(piece.reference for piece in pieces), references


def shape_ids_for_agency(ask: Ask) -> bytes:
    """Ids of the lines that the agency's vehicles draw."""
    served, agency = ask.agency()
    bundle, code = served.bundle, served.fragments.code
    shapes = {
        shape
        for route in served.fragments.routes_of(agency)
        for direction in served.fragments.directions(route)
        for shape in direction.shapes
    }
    ids = [oba.encode(qualify(code, bundle.shape_ids[shape])) for shape in sorted(shapes)]
    return oba.listing(ids, ask.encoded_references())


def trips_for_agency(ask: Ask) -> bytes:
    """The agency's trips that are under way, with how they are doing."""
    served, agency = ask.agency()
    when = moment(ask, served, params.instant_epoch_s(ask.query, "time", served.bundle.time_zone))
    rows = details_of(
        ask,
        served,
        when,
        [run for run in under_way(served, when) if served.bundle.route_agency[run.route] == agency],
        Parts(trip=True, schedule=False, status=True),
    )
    return oba.listing(rows, ask.encoded_references())


def stops_of(served: Served, agency: int) -> list[int]:
    """Rows of the stops (not entrances and the like) that the agency's routes serve; the main agency, whose code all
    stops carry, also has those that nobody serves."""
    bundle, fragments = served.bundle, served.fragments
    found = []
    for row in range(len(bundle.stop_ids)):
        if bundle.stop_location_type[row] in (0, 1):
            agencies = {bundle.route_agency[route] for route in fragments.routes_at(row)}
            if agency in agencies or (not agencies and agency == bundle.main_agency):
                found.append(row)
    return found

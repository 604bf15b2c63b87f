"""``agencies-with-coverage`` and ``agency``."""

from api.errors import unknown
from api.formats import oba
from api.where import Ask


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
                "lon": (west + east) / 2,
                "lonSpan": east - west,
            }
            rows.append(oba.encode(coverage))
            agency_id, reference = fragments.agencies[row]
            ask.references.agencies[agency_id] = reference
    return oba.listing(rows, ask.encoded_references())


def agency(ask: Ask) -> bytes:
    """One agency, by its code."""
    ask.served()
    found = ask.replica.by_code.get(ask.id)
    if found is None:
        raise unknown()
    served, row = found
    return ask.entry(served.fragments.agencies[row][1])

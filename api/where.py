"""A question to ``/api/where``: what is asked, and the words in which every endpoint finds what it names."""

from dataclasses import dataclass, field

from api import params
from api.errors import invalid, not_ready, unknown
from api.formats import oba
from api.kept import Piece
from api.references import NO_REFERENCES, References
from api.replica import Replica
from api.served import Served
from domain import ids
from domain.errors import IdMalformed
from runtime.settings import Settings


@dataclass(slots=True, kw_only=True)
class Ask:
    """One question. *id* is what stands after the endpoint's name, blank for none."""

    replica: Replica
    settings: Settings
    query: dict[str, str]
    id: str
    now_epoch_s: float
    references: References = field(default_factory=References)
    with_intervals: bool = False
    """Arrivals are to say their band as well."""

    def wants_references(self) -> bool:
        """False where the caller asked for an answer without what it refers to."""
        return not self.query.get("includeReferences") or params.boolean(self.query, "includeReferences", True)

    def encoded_references(self) -> bytes:
        """What the answer refers to, or six empty arrays where the caller wants none."""
        return self.references.encode() if self.wants_references() else NO_REFERENCES

    def references_of(self, piece: Piece, situations: dict[bytes, bytes] | None = None) -> bytes:
        """What a kept piece refers to, with notices of the moment; or six empty arrays."""
        return piece.encoded_with(situations or {}) if self.wants_references() else NO_REFERENCES

    def entry(self, piece: bytes) -> bytes:
        """``data`` with one entry."""
        return oba.entry(piece, self.encoded_references())

    def served(self) -> tuple[Served, ...]:
        """Every timetable in force; raises RequestRefused (503) while there is none."""
        served = self.replica.served
        if not served:
            raise not_ready("no timetable is loaded yet")
        return tuple(served.values())

    def split(self, field_name: str, qualified_id: str) -> tuple[Served, str]:
        """The timetable whose agency the id names, and the raw id; 400 when malformed, 404 when nobody's."""
        if len(qualified_id) > 512:
            raise invalid(field_name, "expected at most 512 characters")
        try:
            code, raw_id = ids.split(qualified_id)
        except IdMalformed:
            raise invalid(
                field_name, "expected agency code, underscore, id (such as 1_75403)" if qualified_id else "required"
            ) from None
        found = self.replica.by_code.get(code)
        if found is None:
            self.served()
            raise unknown()
        return found[0], raw_id

    def agency(self) -> tuple[Served, int]:
        """The timetable and row of the agency whose code the id is."""
        self.served()
        found = self.replica.by_code.get(self.id)
        if found is None:
            raise unknown()
        return found

    def stop(self) -> tuple[Served, int]:
        """The timetable and row of the stop that the id names."""
        served, raw_id = self.split("id", self.id)
        row = served.bundle.stop_ids.index(raw_id)
        if row is None:
            raise unknown()
        return served, row

    def route(self) -> tuple[Served, int]:
        """The timetable and row of the route that the id names."""
        served, raw_id = self.split("id", self.id)
        row = served.bundle.route_ids.index(raw_id)
        if row is None:
            raise unknown()
        return served, row

    def refer_to_route(self, served: Served, row: int) -> None:
        served.fragments.refer_to_route(self.references, row)

    def refer_to_stop(self, served: Served, row: int) -> None:
        self.references.add_stop(served.fragments.stop(row))

    def refer_to_trip(self, served: Served, row: int) -> None:
        piece = served.fragments.trip(row)
        self.references.trips[piece.id] = piece.reference
        self.refer_to_route(served, piece.route)

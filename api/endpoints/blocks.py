"""``block``: the trips that one vehicle runs one after the other."""

import numpy as np

from api.errors import unknown
from api.formats import oba
from api.references import References
from api.served import Served
from api.where import Ask
from domain.ids import qualify


def block(ask: Ask) -> bytes:
    """The block on every different kind of day: which of its services run together, and their trips in order."""
    served, raw_id = ask.split("id", ask.id)
    row = served.bundle.block_ids.index(raw_id)
    if row is None:
        raise unknown()
    piece = served.kept.of(("block", row), lambda: _block(served, row))
    return oba.entry(piece.body, ask.references_of(piece))


def _block(served: Served, row: int) -> tuple[bytes, References]:
    bundle, fragments, references = served.bundle, served.fragments, References()
    trips = list(bundle.block_rows(row))
    services = list(dict.fromkeys(bundle.trip_service[trip] for trip in trips))
    days = bundle.array("service_active").reshape(-1, max(len(bundle.service_ids), 1))[:, services] != 0
    kinds = np.unique(days, axis=0)
    configurations = []
    for kind in kinds[::-1].tolist():
        running = {service for service, runs in zip(services, kind, strict=True) if runs}
        if not running:
            continue
        configurations.append(
            b'{"activeServiceIds":%b,"inactiveServiceIds":%b,"trips":%b}'
            % (
                oba.array(fragments.service_id(service) for service in services if service in running),
                oba.array(fragments.service_id(service) for service in services if service not in running),
                oba.array(_trips(served, references, [trip for trip in trips if bundle.trip_service[trip] in running])),
            )
        )
    block_id = oba.encode(qualify(fragments.code, bundle.block_ids[row]))
    return b'{"configurations":%b,"id":%b}' % (oba.array(configurations), block_id), references


def _trips(served: Served, references: References, trips: list[int]) -> list[bytes]:
    bundle, fragments = served.bundle, served.fragments
    encoded, sequence, before_m = [], 0, 0.0
    for trip in trips:
        piece = fragments.trip(trip)
        references.trips[piece.id] = piece.reference
        fragments.refer_to_route(references, piece.route)
        metres = bundle.trip_distances_m(trip).tolist()
        arrivals, departures = bundle.trip_arrivals_s(trip).tolist(), bundle.trip_departures_s(trip).tolist()
        calls = []
        for position in range(piece.calls):
            call_row = piece.call_row + position
            stop = bundle.pattern_stop[call_row]
            references.add_stop(fragments.stop(stop))
            calls.append(
                b'{"accumulatedSlackTime":0.0,"blockSequence":%d,"distanceAlongBlock":%b,"stopTime":{"arrivalTime":%d,'
                b'"departureTime":%d,"dropOffType":%d,"pickupType":%d,"stopId":%b}}'
                % (
                    sequence + position,
                    oba.decimal(before_m + metres[position]),
                    arrivals[position],
                    departures[position],
                    bundle.pattern_drop_off[call_row],
                    bundle.pattern_pickup[call_row],
                    fragments.stop_id(stop),
                )
            )
        encoded.append(
            b'{"accumulatedSlackTime":0,"blockStopTimes":%b,"distanceAlongBlock":%b,"tripId":%b}'
            % (oba.array(calls), oba.decimal(before_m), piece.id)
        )
        sequence += piece.calls
        before_m += served.trip_length_m(piece)
    return encoded

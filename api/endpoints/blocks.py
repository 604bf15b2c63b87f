"""``block``: the trips that one vehicle runs one after the other."""

import numpy as np

from api.errors import unknown
from api.formats import oba
from api.where import Ask


def block(ask: Ask) -> bytes:
    """The block on every different kind of day: which of its services run together, and their trips in order."""
    served, raw_id = ask.split("id", ask.id)
    bundle, fragments = served.bundle, served.fragments
    row = bundle.block_ids.index(raw_id)
    if row is None:
        raise unknown()
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
                oba.array(_trips(ask, [trip for trip in trips if bundle.trip_service[trip] in running])),
            )
        )
    return ask.entry(b'{"configurations":%b,"id":%b}' % (oba.array(configurations), oba.encode(ask.id)))


def _trips(ask: Ask, trips: list[int]) -> list[bytes]:
    served, _ = ask.split("id", ask.id)
    bundle, fragments = served.bundle, served.fragments
    encoded, sequence, before_m = [], 0, 0.0
    for trip in trips:
        ask.refer_to_trip(served, trip)
        piece = fragments.trip(trip)
        metres = bundle.trip_distances_m(trip).tolist()
        arrivals, departures = bundle.trip_arrivals_s(trip).tolist(), bundle.trip_departures_s(trip).tolist()
        calls = []
        for position in range(piece.calls):
            call_row = piece.call_row + position
            stop = bundle.pattern_stop[call_row]
            ask.refer_to_stop(served, stop)
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

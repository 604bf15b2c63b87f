"""Visits that apps would take for one are listed so that the one that they show is the one to wait for.

Apps know a visit by its trip, service day and position: of several rows with the same three, they show the first, or fail.
The runs of a frequency-based trip share them, and so does a duplicate that its feed gave no id of its own.
"""

from collections.abc import Sequence
from datetime import date

from api.served import Served
from api.visits import Moment, Visit


def listed_once(served: Served, when: Moment, visits: Sequence[Visit]) -> Sequence[Visit]:
    """*visits* in the order they come, without those that left where one of the same three is still to come.

    Of a trip without published times one stays: it says how often more come.
    """
    live, frequency = when.live, served.bundle.trip_frequency
    copied = live.copied if live is not None else frozenset()
    if not copied and not len(served.bundle.frequency_start_s):
        return visits
    alike: dict[tuple[str, date, int], list[int]] = {}
    for number, visit in enumerate(visits):
        if visit.trip >= 0 and (frequency[visit.trip] >= 0 or visit.trip in copied):
            named = live.named.get(visit.row, {}).get("trip_id") if live is not None else None
            raw_id = named or served.bundle.trip_ids[visit.trip]
            alike.setdefault((raw_id, visit.day, visit.position), []).append(number)
    left_out: set[int] = set()
    for numbers in alike.values():
        if len(numbers) > 1:
            to_come = [number for number in numbers if leaves_epoch_s(visits[number], when) >= when.epoch_s]
            stay = to_come or numbers[-1:]
            if served.fragments.trip(visits[numbers[0]].trip).frequency >= 0:
                stay = stay[:1]
            left_out.update(number for number in numbers if number not in stay)
    return [visit for number, visit in enumerate(visits) if number not in left_out] if left_out else visits


def leaves_epoch_s(visit: Visit, when: Moment) -> int:
    """When it leaves, as well as we know."""
    told = when.live.departure_epoch_s[visit.call] if when.live is not None and visit.call >= 0 else 0
    return told or visit.at_epoch_s

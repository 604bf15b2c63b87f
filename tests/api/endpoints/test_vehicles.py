"""All vehicles of an agency: one list a tick, whoever asks."""

from tests.api.town import CALLS_OF_T1, Bus, Row, Town, at


async def tell(town: Town, *names: str) -> None:
    """Buses on t1, the first of them heard of at 8:05, each a minute before the one listed before it."""
    buses = [
        Bus(
            name=name,
            row=0,
            lat=44.603,
            distance_m=334.0,
            next_position=1,
            next_offset_s=420,
            located=at(8, 5 - number),
        )
        for number, name in enumerate(names)
    ]
    await town.tell([Row(trip="t1", calls=CALLS_OF_T1, vehicle=0, updated=at(8, 5), deviation=120)], buses)


def listed(town: Town, query: str = "") -> list[str]:
    return [row["vehicleId"] for row in town.data("vehicles-for-agency/1", f"key=test&{query}")["list"]]


async def test_list_is_that_of_the_newest_tick(town: Town) -> None:
    """Asked twice it is the same; told anew it is new."""
    await tell(town, "bus 7", "bus 8")
    assert listed(town) == listed(town) == ["1_bus 7", "1_bus 8"]
    await tell(town, "bus 9")
    assert listed(town) == ["1_bus 9"]


async def test_list_can_leave_out_what_is_old_and_what_it_refers_to(town: Town) -> None:
    """What one client asks for does not change what the next one gets."""
    await tell(town, "bus 7", "bus 8")
    age_s = int(town.clock.now_epoch_s()) - at(8, 5) + 30
    assert listed(town, f"ageInSeconds={age_s}") == ["1_bus 7"]
    bare = town.data("vehicles-for-agency/1", "key=test&includeReferences=false")
    assert [len(bare["list"]), bare["references"]["trips"]] == [2, []]
    whole = town.data("vehicles-for-agency/1")
    assert [len(whole["list"]), [trip["id"] for trip in whole["references"]["trips"]]] == [2, ["1_t1"]]

"""The table of vehicles, and what people said of buses whose positions were recorded."""

from pathlib import Path

import pytest

from bench import traces as labelled
from predictor.traces import FORGET_S, MANY, Memory


def test_a_vehicle_keeps_its_row_and_a_forgotten_one_is_blank() -> None:
    """The table grows when it is full; rows of the forgotten are used again."""
    memory = Memory()
    first = memory.slots_of([("f", f"v{n}") for n in range(MANY + 10)], 1000.0)
    memory.table["lat"][first] = 44.0
    assert len(memory.table) == 2 * MANY
    again = memory.slots_of([("f", "v7"), ("g", "v7")], 1000.0 + FORGET_S)
    assert again[0] == first[7]
    assert again[1] not in first
    memory.forget(1001.0 + FORGET_S)
    assert len(memory) == 2
    new = memory.slots_of([("f", "v8")], 1001.0 + FORGET_S)
    assert memory.table["lat"][new[0]] != 44.0


@pytest.mark.recorded
def test_labelled_buses_are_told_on_their_way_from_out_of_service(recordings: Path, tmp_path: Path) -> None:
    """Of 2,500 labelled reports nine in ten get the labelled phase; of those out of service few are called on a trip."""
    whole = labelled.Agreement()
    for agreement in labelled.measure(recordings / "prediction" / "oba-nyc-traces", tmp_path).values():
        whole.add(agreement)
    assert whole.labelled > 2000
    assert whole.right / whole.labelled >= 0.9
    out = {answer: whole.answers[labelled.NO_TRIP, answer] for answer in ("IN_PROGRESS", "LAYOVER", "NO_TRIP")}
    assert out["IN_PROGRESS"] / sum(out.values()) <= 0.15

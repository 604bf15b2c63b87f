"""What positions and stop reports of runs teach, a row each: four kinds of lessons, every one of them told by a run."""

from dataclasses import dataclass, fields

from domain.realtime import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTimes:
    """How long runs drove from one stop to the next."""

    run_key: Int64s
    pair: Int64s
    """The stop pair's slot."""
    observed_s: Floats
    pace_s: Floats
    """What was to be expected without experience."""
    habit: Int64s
    """The group's slot."""
    hour: Int64s
    service_epoch_s: Floats
    spacing: Floats
    """How much longer than planned the gap before the run was when it set out, as a share of the plan."""

    def only(self, rows: Bools) -> "RunningTimes":
        """Some of them."""
        return RunningTimes(**{it.name: getattr(self, it.name)[rows] for it in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwells:
    """How long runs stood at stops."""

    run_key: Int64s
    place: Int64s
    """The stop's slot."""
    observed_s: Floats
    early_s: Floats
    """How long before its time it arrived; nan where there is no time to wait for."""
    waits: Bools
    """The timetable says that it waits here."""
    habit: Int64s
    spacing: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """When runs left their first stop."""

    run_key: Int64s
    habit: Int64s
    scheduled_epoch_s: Floats
    """nan: no exact time."""
    arrived_epoch_s: Floats
    """The end of the run that its vehicle drove before; nan: not seen."""
    departed_epoch_s: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """When runs arrived at stops."""

    run_key: Int64s
    position: Int64s
    """In the run's calls, from 0."""
    arrived_epoch_s: Floats

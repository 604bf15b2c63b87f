"""THE TABLE of recorded formats: each is recognised by what a folder holds, not by its name."""

from collections.abc import Callable
from dataclasses import dataclass

from backtest.readers import (
    day_files,
    observed_calls,
    own_archive,
    positions_with_gtfs,
    rapid_transit,
    stop_crossings,
    stop_samples,
)
from backtest.readers.folder import Folder
from backtest.readers.realtime_rows import lacking
from backtest.recording import Recording, SetUnreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One recorded format."""

    name: str
    needs: str
    """What a folder must hold, in words."""
    warm_up: str
    """How long everybody learns before anything is judged, in words."""
    recognise: Callable[[Folder], bool]
    read: Callable[[Folder], Recording]


FORMATS = tuple(
    Format(name=it.NAME, needs=it.NEEDS, warm_up=it.WARM_UP, recognise=it.recognise, read=it.read)
    for it in (own_archive, stop_crossings, observed_calls, positions_with_gtfs, day_files, rapid_transit, stop_samples)
)
"""Asked in this order; the first that recognises a folder reads it."""


def read(folder: Folder) -> Recording:
    """The recording in *folder*; raises SetUnreadable."""
    for form in FORMATS:
        if form.recognise(folder):
            return form.read(folder)
    nearly = [(table.path.name, missing) for table in folder.tables if (missing := lacking(table))]
    hint = "".join(f"  {name}, as vehicle positions, lacks {', '.join(missing)}\n" for name, missing in nearly)
    needs = "\n".join(f"  {form.name}: {form.needs}" for form in FORMATS)
    raise SetUnreadable(
        f"{folder.paths[-1]}: holds no recording that can be read. Found:\n{folder.described()}\n{hint}Expected one of:\n{needs}"
    )

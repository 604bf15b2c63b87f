"""``wayside backtest``: replay a recorded set and say how good each way of predicting was."""

import argparse
import json
import sys
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from backtest import readers
from backtest.ours import Ours
from backtest.plot import draw
from backtest.readers.folder import Folder
from backtest.recording import Recording, SetUnreadable, after_recorded, warmed
from backtest.replay import History, replay
from backtest.report import WIDTH, show
from backtest.verdict import as_json, verdict_of
from domain import service_day

DESCRIPTION = """\
Replay a recorded set in order of time and print how good each way of predicting was: the timetable, constant delay, a
historical mean, TheTransitClock's blend (emulated), the agency's own predictions where recorded, and ours.

Nothing sees what had not been received yet. What really happened is found apart from every predictor. All methods are
judged on the same predictions of vehicles under way; before that everybody learns (the warm-up). Two runs agree to the
last digit. What the figures mean: docs/backtest.md.
"""


def main(argv: list[str]) -> int:
    """Run the command; its exit code."""
    return backtest(parser().parse_args(argv))


def parser() -> argparse.ArgumentParser:
    """The command's grammar and its long help."""
    formats = "\n".join(f"  {it.name}\n    holds {it.needs}\n    warm-up: {it.warm_up}" for it in readers.FORMATS)
    command = argparse.ArgumentParser(
        "wayside backtest",
        description=DESCRIPTION,
        epilog=f"formats, recognised by what the folder holds:\n{formats}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "sets",
        metavar="SET",
        nargs="+",
        help="folder of a recording; several folders are read as one recording (an earlier hour to learn from, say)",
    )
    command.add_argument("--json", action="store_true", help="print JSON, and nothing else, on stdout")
    command.add_argument("--plot", metavar="DIR", help="draw the error by horizon there, as <set>.svg")
    command.add_argument(
        "--warm-up",
        metavar="WHEN",
        help="learn until then and judge afterwards: minutes of recording (90), local time on the first day (14:00) or an "
        "instant (2026-02-16T13:00); default: by format, see below",
    )
    command.add_argument(
        "--publish", type=float, metavar="P", help="the quantile that ours publishes (default: the predictor's)"
    )
    return command


def backtest(options: argparse.Namespace) -> int:
    """Replay, judge, print; the exit code."""
    try:
        if options.publish is not None and not 0.0 < options.publish < 1.0:
            raise SetUnreadable(f"--publish: expected a quantile between 0 and 1 (0.3), found {options.publish:g}")
        if options.plot:
            _made(Path(options.plot))
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task("reading", total=1.0)
            recording = readers.read(Folder(*(Path(it) for it in options.sets)))
            if options.warm_up:
                recording = warmed(recording, _instant(options.warm_up, recording))
            answers, truth = replay(
                recording,
                lambda setting: [History(setting), Ours(setting, options.publish)],
                lambda step, share: bar.update(task, description=step, completed=share),
            )
            bar.update(task, description="judging")
            verdict = verdict_of(recording, answers, truth)
        if not any(part.samples for part in verdict.parts.values()):
            raise SetUnreadable(
                f"{recording.name}: nothing could be judged: {len(recording.runs):,} trips in "
                f"{len(recording.fixes):,} reports and {len(recording.events):,} events, but after the warm-up no vehicle that was "
                "predicted reached a stop: expected a longer recording (half an hour of reports every 30 s is little)"
            )
    except SetUnreadable as error:
        print(error, file=sys.stderr)
        return 2
    if options.plot:
        path = draw(verdict, Path(options.plot))
        print(f"drawn: {path}", file=sys.stderr)
    if options.json:
        print(json.dumps(as_json(verdict), ensure_ascii=False))
    else:
        console = Console()
        show(verdict, console if console.width >= WIDTH else Console(width=WIDTH))
    return 0


def _made(folder: Path) -> None:
    """The folder is there: known before a long replay, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetUnreadable(f"--plot: expected a folder to draw in, found {folder}: {error.strerror}") from error


def _instant(text: str, recording: Recording) -> float:
    """Epoch seconds of ``--warm-up``."""
    zone = service_day.zone(recording.time_zone)
    start_s = recording.pieces[0][0]
    try:
        if text.isdigit():
            return after_recorded(recording.pieces, 60.0 * int(text))
        if len(text) <= 8 and ":" in text:
            hours, *rest = (int(it) for it in text.split(":"))
            first = datetime.combine(service_day.local_date(start_s, recording.time_zone), time_of_day(), tzinfo=zone)
            return (first + timedelta(hours=hours, minutes=rest[0])).timestamp()
        moment = datetime.fromisoformat(text)
    except (ValueError, IndexError) as error:
        raise SetUnreadable(
            f"--warm-up: expected minutes (90), a local time (14:00) or an instant (2026-02-16T13:00), found {text!r}"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()

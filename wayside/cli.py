"""The command line. Each command says what it does; heavy things are imported only by the command that needs them."""

import argparse
import os
import sys
import time
from datetime import datetime
from importlib.metadata import version

from domain.quota import Quota, parse
from runtime.clock import instant

EXAMPLES = """
examples:
  wayside demo                            a generated town, live in the browser
  wayside up --config examples/boston.toml   a real city
  wayside up --replay recordings/monday   a recorded day, at the time it was recorded
  wayside doctor --config city.toml       what is wrong, in plain words
  wayside backtest recordings/monday      how good predictions were that day
"""


def main() -> None:
    """Entry point of ``wayside``."""
    try:
        try:
            code = run(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has seen enough, as `| head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run one command; its exit code."""
    if argv[:1] == ["replay"]:
        from simulator.replay import main as replay

        return replay(argv[1:])
    if argv[:1] == ["backtest"]:
        from wayside.backtest_command import main as backtest

        return backtest(argv[1:])
    options = parser().parse_args(argv)
    if getattr(options, "home", None):
        os.environ["WAYSIDE_HOME"] = options.home
    if getattr(options, "at", None):
        os.environ["WAYSIDE_CLOCK_OFFSET_S"] = repr(options.at.timestamp() - time.time())  # noqa: TID251
    try:
        return _dispatch(options)
    except KeyboardInterrupt:
        return 130


def _dispatch(options: argparse.Namespace) -> int:
    from wayside import processes

    if options.command in processes.NAMES:
        return processes.run(options.command, options.config)
    if options.command in {"demo", "up"}:
        from wayside import up

        if options.command == "demo":
            return up.demo(seed=options.seed)
        if options.replay and options.config:
            parser().error("--replay makes its own configuration: leave --config out")
        if options.cap and not options.replay:
            parser().error("--cap adds messages to a --replay; there is none")
        return up.replay(options.replay, options.cap) if options.replay else up.up(options.config)
    if options.command == "import":
        from wayside.import_command import import_schedule

        return import_schedule(options.source, options.feed, options.config)
    if options.command == "doctor":
        from wayside.doctor import doctor

        return doctor(options.config)
    if options.command == "archive":
        from wayside.archive_command import archive_command

        return archive_command(options)
    if options.command == "learn":
        from wayside.learn_command import learn

        return learn(options)
    from wayside.key_commands import keys

    return keys(options)


def _instant(text: str) -> datetime:
    try:
        return instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _quota(text: str) -> Quota:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _name(text: str) -> str:
    """A key's name, as ``keys list`` shows it on a line."""
    name = text.strip()
    if not name or not name.isprintable():
        raise argparse.ArgumentTypeError(f"expected whose key it is, such as 'night shift', found {text!r}")
    return name


def _where(*, undo: bool) -> argparse.ArgumentParser:
    """``--config`` and ``--home``. After an action too, where people write them; there (not *undo*) they must not undo
    what was given before it."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=None if undo else argparse.SUPPRESS)
    shared.add_argument("--config", metavar="FILE", help="the deployment's TOML file (or WAYSIDE_CONFIG)")
    shared.add_argument(
        "--home", metavar="DIR", help="where timetables and the embedded server live (or WAYSIDE_HOME; ./var)"
    )
    return shared


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    root = argparse.ArgumentParser(
        "wayside",
        description="The real-time transit and public-alert backend of a city.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"wayside {version('wayside')}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False, parents=[_where(undo=True)])
    shared.add_argument("--at", type=_instant, metavar="INSTANT", help="start the city's clock there, running on")
    again = _where(undo=False)

    def command(name: str, text: str, *, parents: bool = True) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[shared] if parents else [])

    demo = command("demo", "a generated town with everything running: no network, no account")
    demo.add_argument("--seed", type=int, default=7, help="another number is another town (default: 7)")
    up = command("up", "run every process in one terminal, restart what dies")
    up.add_argument("--replay", metavar="DIR", help="run on a folder of recorded feeds, at the recorded instant")
    up.add_argument("--cap", metavar="PATH", help="with --replay: more CAP messages, a file or a folder")
    command("redis", "the embedded Redis-compatible server of this home")
    command("feeds", "poll the feeds")
    command("predictor", "match vehicles, predict arrivals, see what warnings touch")
    command("notify", "tell phones")
    command("web", "the API and the pages")
    importing = command("import", "import a GTFS schedule into a bundle and put it into force")
    importing.add_argument("source", metavar="FILE_OR_URL", help="a GTFS zip")
    importing.add_argument("--feed", required=True, metavar="ID", help="the feed it belongs to")
    commands.add_parser(
        "replay", help="serve a folder of recorded feeds over HTTP, at the recorded instant", add_help=False
    )
    commands.add_parser("backtest", help="replay a recorded set and say how good predictions were", add_help=False)
    command("doctor", "check configuration, Redis and feeds, and say what is wrong")
    kept = command("archive", "what is kept of the feeds, for looking back, scoring and learning anew")
    works = kept.add_subparsers(dest="action", required=True, metavar="ACTION")
    works.add_parser("show", help="which hours of which feeds, and their size", parents=[again])
    export = works.add_parser(
        "export", help="write hours as GTFS-realtime files that replay and backtest read", parents=[again]
    )
    export.add_argument("folder", metavar="DIR", help="a new folder")
    export.add_argument("--schedule", default="", metavar="ID", help="the gtfs feed (default: the only one)")
    export.add_argument(
        "--from", dest="begins", type=_instant, required=True, metavar="INSTANT", help="such as 2026-11-23T08:00-04:00"
    )
    export.add_argument("--to", dest="ends", type=_instant, required=True, metavar="INSTANT")
    learning = command("learn", "what the predictor has learned of travel times")
    deeds = learning.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = deeds.add_parser("show", help="habits of agencies, and the stop pairs seen most", parents=[again])
    show.add_argument("--stop", default="", metavar="STOP_ID", help="only pairs with this stop (raw id)")
    show.add_argument("--json", action="store_true", help="for programs")
    take_out = deeds.add_parser("export", help="write it to a file (numpy .npz)", parents=[again])
    put_in = deeds.add_parser("import", help="go on from such a file", parents=[again])
    forget = deeds.add_parser("forget", help="begin anew", parents=[again])
    for deed in (take_out, put_in):
        deed.add_argument("file", metavar="FILE")
    for deed in (show, take_out, put_in, forget):
        deed.add_argument("--feed", default="", metavar="ID", help="the gtfs feed (default: the only one; show: all)")
    keys = command("keys", "API keys and operator tokens")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a key; it is shown once", parents=[again])
    add.add_argument("name", type=_name, help="whose it is")
    add.add_argument("--role", choices=("rider", "operator"), default="rider", help="(default: rider)")
    add.add_argument(
        "--quota", type=_quota, metavar="N/UNIT", help="such as 20/second or 600/minute (default: web.key_quota)"
    )
    add.add_argument("--exempt", action="store_true", help="no quota at all")
    add.add_argument("--protected", action="store_true", help="may also read what riders reported")
    actions.add_parser("list", help="names, roles, quotas and dates", parents=[again])
    revoke = actions.add_parser("revoke", help="forget every key of a name", parents=[again])
    revoke.add_argument("name", help="as `keys list` shows it")
    return root

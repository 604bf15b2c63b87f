"""``wayside doctor``: looks at everything a deployment needs and says in plain words what is wrong and what to do."""

import asyncio
import os
import socket
from statistics import median
from typing import Any

from rich.console import Console

from domain.errors import FetchFailed, NotThisFormat
from domain.feed import FeedKind, FeedSpec, PollOutcome
from domain.feed_health import to_do_about
from feeds.fetch import Fetcher, Validators
from runtime.clock import SystemClock
from runtime.settings import Settings
from store.hall import Hall
from wayside.processes import settings_from

CLOCK_OFF_S = 30.0
"""Realtime data that is a minute old is late: a clock that is off by half of that makes wrong judgements."""


def doctor(config: str | None) -> int:
    """Check, print, and return 0 when nothing is wrong."""
    settings = settings_from(config)
    console = Console()
    console.print("[green]ok[/]     configuration: every key is understood")
    faults = asyncio.run(_checks(settings, console))
    console.print("[green]nothing is wrong[/]" if not faults else f"[red]{faults} thing(s) to mend[/]")
    return 1 if faults else 0


async def _checks(settings: Settings, console: Console) -> int:
    faults = 0

    def tell(good: bool, what: str, todo: str = "") -> None:
        nonlocal faults
        faults += not good
        console.print(
            ("[green]ok[/]     " if good else "[red]wrong[/]  ")
            + what
            + (f"\n         → {todo}" if todo and not good else ""),
            highlight=False,
        )

    settings.home.mkdir(parents=True, exist_ok=True)
    tell(
        os.access(settings.home, os.W_OK),
        f"home: {settings.home} can be written",
        "Give the user that runs wayside this folder.",
    )
    await _redis(settings, tell)
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", settings.port)) == 0
    tell(True, f"port {settings.port}: " + ("something answers there (wayside, if it is running)" if taken else "free"))
    if settings.notify.fcm:
        readable = os.access(settings.notify.fcm.credentials, os.R_OK)
        tell(
            readable,
            f"push: credentials {settings.notify.fcm.credentials}",
            "Point GOOGLE_APPLICATION_CREDENTIALS at a readable service account file.",
        )
    tell(
        bool(settings.feeds),
        f"feeds: {len(settings.feeds)} configured",
        "Give a configuration with --config; see examples/.",
    )
    fetcher = Fetcher(SystemClock.from_environment(), settings.secrets, settings.contact_email)
    ahead: list[float] = []
    for spec in settings.feeds:
        good, what, todo = await _feed(spec, fetcher, ahead)
        unsafe = spec.url.startswith("http://") and not spec.allow_private_hosts
        what += "; over plain http, which anybody on the way can change" if good and unsafe else ""
        tell(good, f"feed {spec.feed_id} ({spec.kind.value}): {what}", todo)
    await fetcher.close()
    if ahead:
        off_s = median(ahead)
        way = "behind" if off_s > 0 else "ahead of"
        what = f"clock: {abs(off_s):.0f} s {way} what the feeds' servers say"
        tell(abs(off_s) <= CLOCK_OFF_S, what, "Set this machine's clock by a time server (NTP).")
    return faults


async def _redis(settings: Settings, tell: "object") -> None:
    assert callable(tell)
    hall = Hall.connect(settings.redis_url)
    try:
        if not await hall.is_there():
            if settings.redis_is_embedded:
                tell(True, "Redis: embedded; it starts with `wayside up`")
            else:
                tell(
                    False,
                    "Redis: REDIS_URL does not answer",
                    "Start the server, or unset REDIS_URL to use the embedded one.",
                )
            return
        for node in _nodes(await hall.redis.info("server")):
            version = str(node.get("redis_version", "?"))
            tell(
                version.split(".", maxsplit=1)[0].isdecimal() and int(version.split(".", maxsplit=1)[0]) >= 7,
                f"Redis: answers, version {version}",
                "Use Redis or Valkey 7.0 or newer.",
            )
        kept = all(int(node.get("aof_enabled", 0)) for node in _nodes(await hall.redis.info("persistence")))
        tell(
            kept,
            "Redis: keeps an append-only file" if kept else "Redis: keeps no append-only file",
            "Set appendonly yes and appendfsync always, or a crash loses subscriptions.",
        )
    finally:
        await hall.close()


def _nodes(info: dict[str, Any]) -> list[dict[str, Any]]:
    """A cluster answers for each node, a single server for itself."""
    nodes = [value for value in info.values() if isinstance(value, dict)]
    return nodes if nodes and len(nodes) == len(info) else [info]


async def _feed(spec: FeedSpec, fetcher: Fetcher, ahead: list[float]) -> tuple[bool, str, str]:
    """(is it good, what it is, what to do); adds to *ahead* what its server's clock is ahead of ours, in seconds."""
    from feeds.formats import cap, cap_index, gtfs_realtime

    try:
        fetched = await fetcher.fetch(spec, Validators())
        body = fetched.body or b""
        ahead += [] if fetched.clock_ahead_s is None else [fetched.clock_ahead_s]
        if spec.kind is FeedKind.GTFS:
            good = body[:2] == b"PK"
            return good, f"{len(body):,} bytes, {'a zip' if good else 'not a zip'}", "Check the address."
        if spec.kind is FeedKind.CAP:
            count = (
                len(cap_index.decode_index(body, spec.url).links)
                if cap_index.looks_like_index(body)
                else len(cap.decode(body, feed_id="").items)
            )
            return True, f"{count} messages", ""
        if spec.kind is FeedKind.CASE_RATES:
            return body[:1] == b"{", f"{len(body):,} bytes", "Check the address."
        decoded = gtfs_realtime.decode(body, feed_id=spec.feed_id, now_epoch_s=0)
        return True, f"{decoded.entities} entities", ""
    except FetchFailed as error:
        return False, str(error), to_do_about(PollOutcome(error.outcome))
    except NotThisFormat as error:
        return False, fetcher.redact(str(error)), "Check that the address serves this kind of feed."

"""``wayside keys``."""

import argparse
import asyncio
import shlex
import sys
from datetime import UTC, datetime

from runtime.clock import SystemClock
from store import api_keys
from store.hall import Hall
from wayside.processes import redis_is_silent, settings_from

COLUMNS = ("NAME", "ROLE", "QUOTA", "RIGHTS", "MADE")


def keys(options: argparse.Namespace) -> int:
    """Add, list or revoke."""
    return asyncio.run(_keys(options))


async def _keys(options: argparse.Namespace) -> int:
    settings = settings_from(options.config)
    hall = Hall.connect(settings.redis_url)
    try:
        if not await hall.is_there():
            print(redis_is_silent(settings), file=sys.stderr)
            return 1
        if options.action == "add":
            same = sum(key.name == options.name for key in (await api_keys.get_all(hall)).values())
            token = await api_keys.add(
                hall,
                name=options.name,
                role=options.role,
                at_epoch_s=SystemClock().now_epoch_s(),
                quota=options.quota,
                exempt=options.exempt,
                protected=options.protected,
            )
            print(token)
            if same:
                print(
                    f"{options.name} has {same + 1} keys now, the older still good; "
                    f"`wayside keys revoke {shlex.quote(options.name)}` forgets them all",
                    file=sys.stderr,
                )
        elif options.action == "revoke":
            count = await api_keys.revoke(hall, options.name)
            print(f"{count} forgotten")
            return 0 if count else 1
        else:
            made = sorted((await api_keys.get_all(hall)).values(), key=lambda key: (key.name, key.created_epoch_s))
            if not made:
                print("no keys yet; `wayside keys add NAME` makes one", file=sys.stderr)
                return 0
            print(*COLUMNS, sep="\t")
            for key in made:
                quota = "exempt" if key.exempt else str(key.quota or settings.key_quota)
                rights = "protected" if key.protected else "-"
                day = f"{datetime.fromtimestamp(key.created_epoch_s, UTC):%Y-%m-%d}"
                print(key.name, key.role, quota, rights, day, sep="\t")
        return 0
    finally:
        await hall.close()

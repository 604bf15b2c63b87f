"""``config``: which timetable is in force, and which Wayside serves it."""

from functools import lru_cache
from importlib import metadata

from api.formats import oba
from api.where import Ask
from domain import service_day

GIT_PROPERTIES = (
    "git.branch", "git.build.host", "git.build.time", "git.build.user.email", "git.build.user.name",
    "git.build.version", "git.closest.tag.commit.count", "git.closest.tag.name", "git.commit.id",
    "git.commit.id.abbrev", "git.commit.id.describe", "git.commit.id.describe-short", "git.commit.message.full",
    "git.commit.message.short", "git.commit.time", "git.commit.user.email", "git.commit.user.name", "git.dirty",
    "git.remote.origin.url", "git.tags",
)  # fmt: skip
"""What OneBusAway tells of its build. A release says its version; the rest is blank, as no repository comes with it."""


def config(ask: Ask) -> bytes:
    """The timetables in force as one: their generations, and the days from the first to the last that they know."""
    served = ask.served()
    bundles = [one.bundle for one in served]
    first = min(
        bundle.day_start_epoch_s(service_day.from_yyyymmdd(int(bundle.meta["first_day"]))) for bundle in bundles
    )
    last = max(bundle.day_start_epoch_s(service_day.from_yyyymmdd(int(bundle.meta["last_day"]))) for bundle in bundles)
    return ask.entry(
        oba.encode(
            {
                "gitProperties": {name: release() if name == "git.build.version" else "" for name in GIT_PROPERTIES},
                "id": "+".join(bundle.generation for bundle in bundles),
                "name": ask.settings.city or "Wayside",
                "serviceDateFrom": str(first * 1000),
                "serviceDateTo": str(last * 1000),
            }
        )
    )


@lru_cache(maxsize=1)
def release() -> str:
    """The version of this software, blank where it runs without being installed."""
    try:
        return metadata.version("wayside")
    except metadata.PackageNotFoundError:
        return ""

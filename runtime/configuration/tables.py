"""The tables that a file has once: the keys of each, and what they say of Settings."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain import quota
from runtime.configuration.reader import Table, is_web_address
from runtime.settings import (
    ArchiveSettings,
    DemoSettings,
    FcmSettings,
    NotifySettings,
    PredictorSettings,
    TileSettings,
)

Fields = dict[str, Any]
"""Fields of Settings."""


def _city(city: Table) -> Fields:
    time_zone = city.text("time_zone", "UTC")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        city.fault("time_zone", f"expected an IANA time zone such as America/Halifax, found {time_zone!r}")
    return {
        "city": city.text("name") or "Wayside",
        "time_zone": time_zone,
        "language": city.text("language", "en"),
        "contact_email": city.text("contact_email"),
        "region_id": city.whole("region_id", 1, 0, 2**31 - 1),
    }


def _web(web: Table) -> Fields:
    return {
        "host": web.text("host", "127.0.0.1"),
        "port": web.whole("port", 8000, 0, 65535),
        "web_processes": web.whole("processes", 1, 1, 64),
        "require_api_key": web.value("require_api_key", bool, True),
        "accept_test_key": web.value("accept_test_key", bool, False),
        "key_quota": _quota(web, "key_quota", "100/second"),
        "anonymous_quota": _quota(web, "anonymous_quota", "20/second"),
        "public_url": _public_url(web),
    }


def _quota(web: Table, key: str, default: str) -> quota.Quota:
    try:
        return quota.parse(web.text(key, default))
    except ValueError as error:
        web.fault(key, str(error))
        return quota.parse(default)


def _public_url(web: Table) -> str:
    url = web.text("public_url")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc or "?" in url or "#" in url):
        web.fault("public_url", f"expected an address such as https://transit.example/, found {url!r}")
    return f"{url.rstrip('/')}/" if url else ""


def _notify(notify: Table) -> Fields:
    project = notify.text("fcm_project_id")
    credentials = notify.text("fcm_credentials") or notify.faults.environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    fcm = None
    if project:
        if not credentials:
            notify.fault("fcm_project_id", "expected GOOGLE_APPLICATION_CREDENTIALS to name a service account file")
        base = notify.text("fcm_base_url", "https://fcm.googleapis.com")
        fcm = FcmSettings(project_id=project, credentials=Path(credentials), base_url=base)
    quiet = {key: notify.found.get(key, "") for key in ("quiet_from", "quiet_to")}
    for key, time in quiet.items():
        if time and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(time)):
            notify.fault(key, f"expected a local time HH:MM, found {time!r}")
    return {
        "notify": NotifySettings(
            fcm=fcm,
            console=notify.value("console", bool, False),
            quiet_from=str(quiet["quiet_from"]),
            quiet_to=str(quiet["quiet_to"]),
        )
    }


def _predictor(predictor: Table) -> Fields:
    usual = PredictorSettings()
    return {
        "predictor": PredictorSettings(
            learn=predictor.value("learn", bool, usual.learn),
            publish_quantile=predictor.number("publish_quantile", usual.publish_quantile, 0.1, 0.9),
        )
    }


def _archive(archive: Table) -> Fields:
    usual = ArchiveSettings()
    keep_days = archive.number("keep_days", usual.keep_days, 0, 3660, " days (0: nothing is kept)")
    max_gib = float(archive.value("max_gib", (int, float), usual.max_bytes / 1024**3))
    if not 0 < max_gib <= 1_000_000:
        archive.fault("max_gib", f"expected more than 0 GiB, found {max_gib:g}")
        max_gib = 0.0
    return {"archive": ArchiveSettings(keep_days=keep_days, max_bytes=int(max_gib * 1024**3))}


def _tiles(tiles: Table) -> Fields:
    url = tiles.text("url")
    if url and not (is_web_address(url) and all(part in url for part in ("{z}", "{x}", "{y}"))):
        tiles.fault("url", f"expected an http or https address with {{z}}, {{x}} and {{y}}, found {url!r}")
    attribution = tiles.text("attribution")
    return {"tiles": TileSettings(url=url, attribution=attribution) if url else None}


def _demo(demo: Table) -> Fields:
    base_url, token = demo.text("base_url"), demo.text("phone_token")
    until = demo.value("recorded_until_epoch_s", int, 0)
    made = DemoSettings(base_url=base_url, phone_token=token, recorded_until_epoch_s=until)
    return {"demo": made if base_url else None}


READERS: dict[str, tuple[tuple[str, ...], Callable[[Table], Fields]]] = {
    "city": (("name", "time_zone", "language", "contact_email", "region_id"), _city),
    "web": (
        (
            "host",
            "port",
            "processes",
            "require_api_key",
            "accept_test_key",
            "key_quota",
            "anonymous_quota",
            "public_url",
        ),
        _web,
    ),
    "notify": (("console", "quiet_from", "quiet_to", "fcm_project_id", "fcm_credentials", "fcm_base_url"), _notify),
    "predictor": (("learn", "publish_quantile"), _predictor),
    "archive": (("keep_days", "max_gib"), _archive),
    "tiles": (("url", "attribution"), _tiles),
    "demo": (("base_url", "phone_token", "recorded_until_epoch_s"), _demo),
}
"""A table's keys, and who reads them."""

"""What a deployment is made of, once read and checked. Reading and checking is ``runtime.configuration``.

Nothing here is a secret but ``redis_url`` and what ``secrets`` holds; neither is ever logged or shown.
"""

from dataclasses import dataclass, field
from pathlib import Path

from domain.feed import FeedSpec
from domain.quota import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class FcmSettings:
    """Firebase Cloud Messaging. *credentials* is the path of a service account file."""

    project_id: str
    credentials: Path
    base_url: str = "https://fcm.googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Which channels exist, and when residents are left alone (Extreme overrides)."""

    fcm: FcmSettings | None = None
    console: bool = False
    """Print notifications in the log: for development."""
    quiet_from: str = ""
    """Local time HH:MM at which quiet hours start; blank for none."""
    quiet_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSettings:
    """Raster map tiles for the rider's page, where there is internet; without them the map draws streets of routes."""

    url: str
    """Template with {z}, {x} and {y}."""
    attribution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorSettings:
    """How arrivals are predicted."""

    learn: bool = True
    """Learn travel times; without, a vehicle is taken to stay as late as it is."""
    publish_quantile: float = 0.3
    """What riders are told lies at this quantile of when the vehicle may come: the lower, the fewer missed buses and
    the longer the waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """How long what feeds said and what riders were told is kept; 0 days: nothing is."""

    keep_days: float = 14.0
    max_bytes: int = 10 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """What only a demo and a replay have. *base_url* is where the outside world is played: there feeds are made sick and
    a phone's inbox is shown."""

    base_url: str
    phone_token: str
    """The registration token of that phone."""
    recorded_until_epoch_s: int = 0
    """When the recording that is replayed ends; 0 for a demo, which goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment."""

    home: Path
    """WAYSIDE_HOME: bundles, the embedded server's data, locks."""
    redis_url: str
    """REDIS_URL, or the embedded server's private socket."""
    redis_is_embedded: bool
    host: str = "127.0.0.1"
    port: int = 8000
    web_processes: int = 1
    city: str = ""
    """What the pages call the place."""
    time_zone: str = "UTC"
    """IANA name, for quiet hours and pages; timetables carry their own."""
    language: str = "en"
    """Of pages and notifications where nobody asked for another."""
    contact_email: str = ""
    """Whom apps tell riders to write to."""
    region_id: int = 1
    """The deployment's number in the apps' directory of regions."""
    public_url: str = ""
    """Under which apps reach this deployment, with a slash at its end; blank: whatever a request came to."""
    feeds: tuple[FeedSpec, ...] = ()
    same_stops: tuple[tuple[str, ...], ...] = ()
    """Groups of qualified stop ids that are one place: the arrivals of all are shown at each."""
    notify: NotifySettings = field(default_factory=NotifySettings)
    predictor: PredictorSettings = field(default_factory=PredictorSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    tiles: TileSettings | None = None
    demo: DemoSettings | None = None
    accept_test_key: bool = False
    """The API key ``test`` is accepted: demo and replay."""
    require_api_key: bool = True
    """False: whoever brings no key may ask as often as *anonymous_quota* says."""
    key_quota: Quota = field(default=Quota(requests=100, per_s=1))
    """Of each API key that was given none of its own."""
    anonymous_quota: Quota = field(default=Quota(requests=20, per_s=1))
    """Of each address that brings no key, in each web process."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Environment name to value, for the ``${NAME}`` in feed addresses and headers."""

    def feed(self, feed_id: str) -> FeedSpec:
        """The feed with that id; raises KeyError."""
        for spec in self.feeds:
            if spec.feed_id == feed_id:
                return spec
        raise KeyError(feed_id)

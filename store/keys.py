"""Every Redis key, channel and stream of the house, with its type, its one writer and its unit of time.

Keys that must change together share a hash tag in braces, so that the same code runs on Redis Cluster.
``docs/redis.md`` describes each; a test holds the two together.
"""

PREFIX = "wayside:"


def realtime(feed_id: str) -> str:
    """HASH {version, at, <kind>: blob}: the latest dataset of a realtime feed. Writer: feeds."""
    return f"{PREFIX}rt:{{{feed_id}}}"


def feed_record(feed_id: str) -> str:
    """STRING MessagePack FeedRecord. Writer: feeds."""
    return f"{PREFIX}feed:{{{feed_id}}}"


def feed_ids() -> str:
    """STRING MessagePack list of the configured feed ids, in order. Writer: feeds."""
    return f"{PREFIX}feeds"


def timetable(feed_id: str) -> str:
    """HASH {generation, at, previous}: the bundle in force for a GTFS feed. Writer: feeds."""
    return f"{PREFIX}timetable:{{{feed_id}}}"


def predictions(feed_id: str) -> str:
    """HASH {version, at, blob}: arrivals and vehicles for one GTFS feed's timetable. Writer: predictor."""
    return f"{PREFIX}pred:{{{feed_id}}}"


def learned(feed_id: str) -> str:
    """HASH {version, at, blob}: what was learned of one GTFS feed's travel times. Writer: predictor (wayside learn)."""
    return f"{PREFIX}learned:{{{feed_id}}}"


def questions() -> str:
    """LIST of MessagePack questions: why is that told of a call? Trimmed; answered within a second. Writer: api."""
    return f"{PREFIX}{{questions}}"


def explanation(question_id: str) -> str:
    """STRING JSON, expiring within a minute: the answer to a question. Writer: predictor."""
    return f"{PREFIX}explanation:{question_id}"


def crowding(feed_id: str) -> str:
    """HASH {version, at, blob}: how full one timetable's vehicles usually are. Writer: predictor."""
    return f"{PREFIX}crowding:{{{feed_id}}}"


def scores(feed_id: str, date_yyyymmdd: int) -> str:
    """HASH {version, at, blob}, expiring after weeks: how good a day's predictions were. Writer: predictor."""
    return f"{PREFIX}score:{{{feed_id}}}:{date_yyyymmdd}"


def delivered(feed_id: str, date_yyyymmdd: int) -> str:
    """HASH {version, at, counts, trips}, expiring after weeks: what became of a day's trips. Writer: predictor."""
    return f"{PREFIX}delivered:{{{feed_id}}}:{date_yyyymmdd}"


def alert_messages(feed_id: str) -> str:
    """HASH {version, at, blob}: the messages an alert feed holds now. Writer: feeds."""
    return f"{PREFIX}alertfeed:{{{feed_id}}}"


def alerts() -> str:
    """HASH alert id to MessagePack Alert, with ``version``, ``at``, ``born`` (a lot). Writer: predictor."""
    return f"{PREFIX}{{alerts}}:current"


def alert_events() -> str:
    """STREAM {alert_id, revision}: an Alert changed in a way that people may have to hear of. Writer: predictor."""
    return f"{PREFIX}{{alerts}}:events"


def trip_risks() -> str:
    """HASH {version, at, blob}: running trips that alerts touch. Writer: predictor."""
    return f"{PREFIX}{{triprisks}}"


SUBSCRIPTION_SHARDS = 16
"""Subscriptions are spread over this many hashes (and their push streams) by their id."""


def subscriptions(shard: int) -> str:
    """HASH subscription id to MessagePack Subscription. Writer: api (notify removes dead tokens)."""
    return f"{PREFIX}sub:{{s{shard}}}"


def subscription_devices(shard: int) -> str:
    """HASH device digest to subscription id (same device and place again: the same subscription). Writer: api."""
    return f"{PREFIX}subdev:{{s{shard}}}"


def subscription_changes() -> str:
    """STREAM {subscription_id, change}: a subscription came or changed; it gets what is in force. Writer: api."""
    return f"{PREFIX}{{subchanges}}"


def pushes() -> str:
    """STREAM MessagePack Notification: hand-overs that must not be lost. Writer: notify (planner)."""
    return f"{PREFIX}{{push}}:work"


def pushes_later() -> str:
    """ZSET MessagePack Notification by due epoch seconds: hand-overs put off. Writer: notify."""
    return f"{PREFIX}{{push}}:later"


def pushes_dead() -> str:
    """STREAM: hand-overs given up, with the reason. Writer: notify."""
    return f"{PREFIX}{{push}}:dead"


def told(alert_id: str) -> str:
    """HASH subscription id to "revision:kind" last handed over: who was told what of an event. Writer: notify."""
    return f"{PREFIX}told:{{{alert_id}}}"


def delivery_counts() -> str:
    """HASH outcome to number of hand-overs. Writer: notify."""
    return f"{PREFIX}deliveries:counts"


def deliveries_recent() -> str:
    """STREAM of receipts without tokens or places, trimmed to some thousands. Writer: notify."""
    return f"{PREFIX}deliveries:recent"


def problem_reports() -> str:
    """STREAM MessagePack ProblemReport: what riders reported, trimmed by number and age. Writer: api."""
    return f"{PREFIX}reports"


def api_keys() -> str:
    """HASH SHA-256 of an API key to its MessagePack record (name, role, created, quota). Writer: wayside keys."""
    return f"{PREFIX}apikeys"


def quota(digest: str) -> str:
    """HASH {tokens, at}, expiring: what an API key may still ask, refilled evenly. Writer: api."""
    return f"{PREFIX}quota:{{{digest}}}"


def heartbeat(process: str) -> str:
    """STRING epoch seconds, expiring: a process is alive. Writer: that process."""
    return f"{PREFIX}alive:{process}"


def channel() -> str:
    """PUB/SUB channel on which every change of state is announced as "<what> <feed id> <version>"."""
    return f"{PREFIX}changes"

"""From the messages that a feed lists, now and before, to events: one Alert for each chain of messages.

Pure: what is known (the Alerts so far, which carry their chain's memory) and what is listed go in, what changed comes
out. Messages may come late, twice, in any order, and refer to each other sloppily; folding the same messages in again
changes nothing. A chain's *live* messages are those that no later one replaced or ended: an issuer may split one
warning into two, and end one of them.
Source: OASIS CAP 1.2 §3.2.1 (msgType, references); policy: docs/alerts.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.alert import Alert, AlertMessage
from predictor.alert_folding import FORGET_AFTER_S, Index, fold
from predictor.alert_memory import Chain, key_of
from predictor.alert_settling import must_be_told, settled, worth_writing

GRACE_S = 15 * 60
"""A warning that left its feed without a cancel is withdrawn after so long: feeds lose entries and find them again.
Only time that good polls bear witness of counts; one poll speaks for at most a third of it, so that a feed which comes back
half empty after an outage gives nobody an all-clear."""

EMPTY_GRACE_S = 60 * 60
"""The same when the whole feed is empty: more often a fault of the feed than an end of everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one step changed."""

    told: tuple[Alert, ...] = ()
    """New revisions that people may have to hear of."""
    quiet: tuple[Alert, ...] = ()
    """To be remembered; nobody needs to hear."""
    forgotten: tuple[str, ...] = ()
    """Ids of events that are over for long."""

    def __bool__(self) -> bool:
        return bool(self.told or self.quiet or self.forgotten)


def advance(
    known: Mapping[str, Alert],
    listed: Sequence[AlertMessage],
    *,
    feed_id: str,
    seen_epoch_s: float,
    now_epoch_s: float,
    grace_s: float = GRACE_S,
) -> Changes:
    """What changes when *feed_id* lists *listed* (as of *seen_epoch_s*, its last good poll) and it is *now_epoch_s*.

    *known* are the Alerts so far, by id; those of other feeds are left alone.
    """
    chains = {alert_id: Chain.of(alert) for alert_id, alert in known.items() if alert.feed_id == feed_id}
    index = Index(chains)
    for message in sorted(listed, key=lambda one: (one.sent_epoch_s, one.identifier, one.sender)):
        fold(message, chains, index, feed_id=feed_id, now_epoch_s=now_epoch_s)
    identities = {key_of(message) for message in listed}
    grace_s = grace_s if listed else max(grace_s, EMPTY_GRACE_S)
    told: list[Alert] = []
    quiet: list[Alert] = []
    forgotten: list[str] = []
    for chain in chains.values():
        is_listed = any(link.seen and key in identities for key, link in chain.links.items())
        after = settled(
            chain,
            feed_id=feed_id,
            listed_epoch_s=int(seen_epoch_s) if is_listed else 0,
            seen_epoch_s=seen_epoch_s,
            now_epoch_s=now_epoch_s,
            grace_s=grace_s,
            identities=identities,
        )
        before = chain.before
        is_longer = chain.folded and before is not None and after.expires_epoch_s > before.expires_epoch_s
        if after.ended_epoch_s and now_epoch_s - after.ended_epoch_s > FORGET_AFTER_S and not is_listed:
            if before is not None:
                forgotten.append(after.alert_id)
        elif must_be_told(before, after, is_longer=is_longer):
            told.append(after)
        elif before is None or chain.folded or worth_writing(before, after):
            quiet.append(after)
    return Changes(told=tuple(told), quiet=tuple(quiet), forgotten=tuple(forgotten))

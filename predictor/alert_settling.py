"""What an event is now, after its messages were folded in: its state, its revision, and who must hear of it."""

from domain.alert import Alert, AlertState
from domain.standing import ends_epoch_s
from predictor.alert_memory import Chain, Key, trimmed
from predictor.alert_sameness import is_news

LISTED_STEP_S = 5 * 60
"""How far "last listed" may lag behind before it is worth writing down."""

GONE = 0.999
"""The share of the grace time from which on it is over: sums of thirds and fifteenths come out a hair below 1."""

ABSENT_STEP_S = 60
"""The same for how long it was not listed."""


def settled(
    chain: Chain,
    *,
    feed_id: str,
    listed_epoch_s: int,
    seen_epoch_s: float,
    now_epoch_s: float,
    grace_s: float,
    identities: set[Key],
) -> Alert:
    """The Alert that the chain now is, with its state and revision."""
    before = chain.before
    links = tuple(sorted(chain.links.values(), key=lambda link: (link.sent_epoch_s, link.identifier, link.sender)))
    links = trimmed(links, identities)
    live = [link for link in links if link.live]
    infos = (
        tuple(info for link in live for info in chain.infos[link.sender, link.identifier, link.sent_epoch_s])
        or chain.last_infos
    )
    listed = max(listed_epoch_s, before.listed_epoch_s if before else 0)
    expires = max((ends_epoch_s(info, listed) for info in infos), default=0)
    if not expires:
        expires = before.expires_epoch_s if before else int(now_epoch_s)
    absence, absent_epoch_s = _absence(before, bool(listed_epoch_s), seen_epoch_s, grace_s)
    state: AlertState
    if not live:
        ended = before.state if before and before.state is not AlertState.IN_FORCE else AlertState.CANCELLED
        state = AlertState.CANCELLED if chain.folded and before and before.state is AlertState.IN_FORCE else ended
    elif expires <= now_epoch_s:
        state = AlertState.EXPIRED
        if before and before.state is AlertState.WITHDRAWN and not chain.folded:
            state = before.state
    else:
        state = AlertState.WITHDRAWN if absence >= GONE else AlertState.IN_FORCE
    why = next((link.why_not_pushable for link in live if link.why_not_pushable), "")
    may_push = any(not link.why_not_pushable for link in live) if live else bool(before and before.pushable)
    if not may_push and not why:
        why = before.why_not_pushable if before and before.why_not_pushable else "it was over before it was first seen"
    news = before is None or state is not before.state or chain.took_up
    news = news or (before is not None and chain.folded and not chain.minor and is_news(before, infos))
    revision = (before.revision if before else 0) + int(news)
    return Alert(
        alert_id=chain.alert_id,
        feed_id=feed_id,
        revision=revision,
        state=state,
        status=chain.status,
        pushable=may_push,
        why_not_pushable="" if may_push else why,
        first_seen_epoch_s=chain.first_seen_epoch_s,
        updated_epoch_s=int(now_epoch_s) if news else (before.updated_epoch_s if before else int(now_epoch_s)),
        expires_epoch_s=expires,
        messages=tuple(link.identifier for link in links if link.seen),
        infos=infos,
        links=links,
        listed_epoch_s=listed,
        absence=absence,
        absent_epoch_s=absent_epoch_s,
        ended_epoch_s=_ended(before, state, now_epoch_s),
        superseded_by=chain.superseded_by if not live else "",
    )


def _absence(before: Alert | None, is_listed: bool, seen_epoch_s: float, grace_s: float) -> tuple[float, int]:
    """The share of the grace time in which good polls did not list the event, and the last poll that counts in it."""
    if is_listed or before is None:
        return 0.0, 0
    gap_s = seen_epoch_s - max(before.absent_epoch_s, before.listed_epoch_s)
    share = before.absence + min(max(gap_s, 0.0) / grace_s, 1 / 3)
    if before.absence >= GONE or (gap_s < ABSENT_STEP_S and share < GONE):
        return before.absence, before.absent_epoch_s
    return share, int(seen_epoch_s)


def _ended(before: Alert | None, state: AlertState, now_epoch_s: float) -> int:
    if state is AlertState.IN_FORCE:
        return 0
    return (before.ended_epoch_s if before else 0) or int(now_epoch_s)


def must_be_told(before: Alert | None, after: Alert, *, is_longer: bool) -> bool:
    """Is it work for who tells people?"""
    if after.superseded_by:
        return False  # people hear of the event that took it up
    if before is None:
        return after.pushable and after.state is AlertState.IN_FORCE
    if is_longer and after.pushable and after.state is AlertState.IN_FORCE:
        return True  # no news for who was told; who could not be reached until the end first given must be tried again
    return after.revision != before.revision and (after.pushable or before.pushable)


def worth_writing(before: Alert, after: Alert) -> bool:
    """Is it to be remembered, although nobody needs to hear?"""
    return (
        after.revision != before.revision
        or after.state is not before.state
        or after.absence != before.absence
        or (not after.ended_epoch_s and after.listed_epoch_s - before.listed_epoch_s >= LISTED_STEP_S)
    )

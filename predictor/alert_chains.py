"""From the messages that a feed lists, now and before, to events: one Alert for each chain of messages.

Pure: what is known (the Alerts so far, which carry their chain's memory) and what is listed go in, what changed comes
out. Messages may come late, twice, in any order, and refer to each other sloppily; folding the same messages in again
changes nothing. A chain's *live* messages are those that no later one replaced or ended: an issuer may split one
warning into two, and end one of them.
Source: OASIS CAP 1.2 §3.2.1 (msgType, references); policy: docs/alerts.md.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.alert import (
    Alert,
    AlertInfo,
    AlertMessage,
    AlertState,
    ChainLink,
    MessageStatus,
    Reference,
    pushable,
)
from domain.assess import worst_severity
from domain.standing import ends_epoch_s, says_over
from predictor.alert_sameness import content_of, disjoint, is_news

GRACE_S = 15 * 60
"""A warning that left its feed without a cancel is withdrawn after so long: feeds lose entries and find them again.
Only time that good polls bear witness of counts; one poll speaks for at most a third of it, so that a feed which comes back
half empty after an outage gives nobody an all-clear."""

EMPTY_GRACE_S = 60 * 60
"""The same when the whole feed is empty: more often a fault of the feed than an end of everything."""

FORGET_AFTER_S = 24 * 3600
"""An ended event is kept so long, and as long as its feed lists it: late residents and late duplicates find it."""

LISTED_STEP_S = 5 * 60
"""How far "last listed" may lag behind before it is worth writing down."""

GONE = 0.999
"""The share of the grace time from which on it is over: sums of thirds and fifteenths come out a hair below 1."""

ABSENT_STEP_S = 60
"""The same for how long it was not listed."""

MAX_LINKS = 200
"""Of one chain: flood feeds keep one identifier for years."""

MINOR_CHANGE = "MinorChange"
"""Parameter of a Canadian update that need not alarm. Source: CAP-CP 0.4 §3."""

Key = tuple[str, str, int]
"""(sender, identifier, sent): a message's identity."""


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


@dataclass(slots=True)
class _Chain:
    """An Alert being worked on."""

    alert_id: str
    status: MessageStatus
    first_seen_epoch_s: int
    before: Alert | None = None
    links: dict[Key, ChainLink] = field(default_factory=dict)
    infos: dict[Key, tuple[AlertInfo, ...]] = field(default_factory=dict)
    """Of live links; what a cancelled event last said is in *last_infos*."""
    last_infos: tuple[AlertInfo, ...] = ()
    superseded_by: str = ""
    folded: bool = False
    minor: bool = False
    took_up: bool = False

    @classmethod
    def of(cls, alert: Alert) -> "_Chain":
        chain = cls(alert.alert_id, alert.status, alert.first_seen_epoch_s, alert, superseded_by=alert.superseded_by)
        at = 0
        for link in alert.links:
            key = (link.sender, link.identifier, link.sent_epoch_s)
            chain.links[key] = link
            if link.live:
                chain.infos[key] = alert.infos[at : at + link.info_count]
                at += link.info_count
        chain.last_infos = alert.infos
        return chain

    def live(self) -> list[Key]:
        return [key for key, link in self.links.items() if link.live]

    def named(self, reference: Reference) -> list[Key]:
        """Links that a reference means: exact ones, else those with its identifier, whatever the sender."""
        with_id = [key for key in self.links if key[1] == reference.identifier]
        seen = [key for key in with_id if self.links[key].seen]
        exact = [key for key in seen if key == (reference.sender, reference.identifier, reference.sent_epoch_s)]
        return exact or seen or with_id

    def end(self, key: Key) -> None:
        if self.links[key].live:
            self.last_infos = self.infos.pop(key)
            self.links[key] = replace(self.links[key], live=False, info_count=0)

    def remember_named(self, references: Sequence[Reference]) -> None:
        """Keep what a message refers to although it was never seen: it may still come."""
        for reference in references:
            if not self.named(reference):
                key = (reference.sender, reference.identifier, reference.sent_epoch_s)
                self.links[key] = ChainLink(identifier=key[1], sender=key[0], sent_epoch_s=key[2])


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
    chains = {alert_id: _Chain.of(alert) for alert_id, alert in known.items() if alert.feed_id == feed_id}
    by_identifier: dict[str, set[str]] = {}
    for chain in chains.values():
        _index(by_identifier, chain)
    for message in sorted(listed, key=lambda one: (one.sent_epoch_s, one.identifier, one.sender)):
        _fold(message, chains, by_identifier, feed_id=feed_id, now_epoch_s=now_epoch_s)
    identities = {_key(message) for message in listed}
    grace_s = grace_s if listed else max(grace_s, EMPTY_GRACE_S)
    told: list[Alert] = []
    quiet: list[Alert] = []
    forgotten: list[str] = []
    for chain in chains.values():
        is_listed = any(link.seen and key in identities for key, link in chain.links.items())
        after = _settled(
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
        elif _must_be_told(before, after, is_longer=is_longer):
            told.append(after)
        elif before is None or chain.folded or _worth_writing(before, after):
            quiet.append(after)
    return Changes(told=tuple(told), quiet=tuple(quiet), forgotten=tuple(forgotten))


def _must_be_told(before: Alert | None, after: Alert, *, is_longer: bool) -> bool:
    if after.superseded_by:
        return False  # people hear of the event that took it up
    if before is None:
        return after.pushable and after.state is AlertState.IN_FORCE
    if is_longer and after.pushable and after.state is AlertState.IN_FORCE:
        return True  # no news for who was told; who could not be reached until the end first given must be tried again
    return after.revision != before.revision and (after.pushable or before.pushable)


def _worth_writing(before: Alert, after: Alert) -> bool:
    return (
        after.revision != before.revision
        or after.state is not before.state
        or after.absence != before.absence
        or (not after.ended_epoch_s and after.listed_epoch_s - before.listed_epoch_s >= LISTED_STEP_S)
    )


def _key(message: AlertMessage) -> Key:
    return (message.sender, message.identifier, message.sent_epoch_s)


def _index(by_identifier: dict[str, set[str]], chain: _Chain) -> None:
    for _, identifier, _ in chain.links:
        by_identifier.setdefault(identifier, set()).add(chain.alert_id)


def _fold(
    message: AlertMessage,
    chains: dict[str, _Chain],
    by_identifier: dict[str, set[str]],
    *,
    feed_id: str,
    now_epoch_s: float,
) -> None:
    """Take one message into the chain it belongs to, or into a new one."""
    key = _key(message)
    if message.kind == "Ack":
        return
    near = [
        chains[alert_id]
        for identifier in (message.identifier, *(reference.identifier for reference in message.references))
        for alert_id in sorted(by_identifier.get(identifier, ()))
    ]
    near = _once(near)
    same_status = [chain for chain in near if chain.status is message.status]
    if any(key in chain.links and chain.links[key].seen for chain in same_status):
        return
    others = [one for one in message.references if one.identifier != message.identifier or one.sender != message.sender]
    own = Reference(identifier=message.identifier, sender=message.sender)
    meant = [chain for reference in others for chain in _meant(reference, message.sender, same_status)]
    related = [
        chain
        for chain in same_status
        if chain in meant
        or any(sender in {message.sender, ""} for sender, identifier, _ in chain.links if identifier == own.identifier)
    ]
    ends = message.kind in {"Cancel", "Error"} or (
        message.kind == "Update" and bool(message.infos) and all(says_over(info) for info in message.infos)
    )
    content = content_of(message)
    if not related and not ends:
        related = [chain for chain in chains.values() if _repeats(chain, message, content)]
    if not related:
        if ends and not others:
            return  # the end of nothing we know
        new_id = _new_id(message, others, feed_id, chains, now_epoch_s)
        chain = _Chain(new_id, message.status, int(now_epoch_s))
        chains[chain.alert_id] = chain
        related = [chain]
    for chain in related:
        chain.folded = True
        chain.remember_named(others)
    if ends:
        for chain in related:
            _end(chain, message, others)
    else:
        first = min(
            related, key=lambda one: (one.first_seen_epoch_s, min(key[2] for key in one.links or {key}), one.alert_id)
        )
        for chain in related:
            if chain is not first:
                _take_up(first, chain)
        _replace(first, message, others, content)
    for chain in related:
        _index(by_identifier, chain)


def _meant(reference: Reference, sender: str, chains: Sequence[_Chain]) -> list[_Chain]:
    """The chains that a reference in a message of *sender* means: exactly; else of the sender it names; else by identifier
    alone. Then only chains in which *sender* has spoken: two authorities may both count their warnings from 1, and one must
    not end the other's. A reference that names no sender may mean any chain."""
    found = [(chain, key) for chain in chains for key in chain.links if key[1] == reference.identifier]
    exact = [chain for chain, key in found if key == (reference.sender, reference.identifier, reference.sent_epoch_s)]
    theirs = [chain for chain, key in found if reference.sender and key[0] == reference.sender]
    own = [chain for chain, _ in found if any(key[0] in {sender, ""} and chain.links[key].seen for key in chain.links)]
    loose = [] if reference.sender else [chain for chain, _ in found]
    return _once(exact or theirs or own or loose)


def _once(chains: list[_Chain]) -> list[_Chain]:
    return list({chain.alert_id: chain for chain in chains}.values())


def _repeats(chain: _Chain, message: AlertMessage, content: str) -> bool:
    """The same words for the same ground from the same sender under a new identity."""
    return chain.status is message.status and any(
        link.live and link.content == content and link.sender == message.sender for link in chain.links.values()
    )


def _new_id(
    message: AlertMessage, others: Sequence[Reference], feed_id: str, chains: Mapping[str, _Chain], now_epoch_s: float
) -> str:
    """Of the earliest identity that the message names, else its own, and the day.

    The day, because an event that was forgotten may come back under the same identity: phones have heard the all-clear of
    the old one, at a higher revision than the new one starts with.
    """
    identities = [(one.sent_epoch_s, one.sender, one.identifier) for one in others]
    identities.append((message.sent_epoch_s, message.sender, message.identifier))
    day = int(now_epoch_s) // FORGET_AFTER_S
    parts = [feed_id, message.status.value, str(day), *map(str, min(identities))]
    while (found := hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:20]) in chains:
        parts.append(message.identifier)
    return found


def _replace(chain: _Chain, message: AlertMessage, others: Sequence[Reference], content: str) -> None:
    """An Alert or Update: it takes the place of what it names, unless something newer already did."""
    key = _key(message)
    referred_to = key in chain.links or any(
        identifier == message.identifier and sender in {"", message.sender} and sent in {0, message.sent_epoch_s}
        for (sender, identifier, sent), link in chain.links.items()
        if not link.seen
    )
    named = {found for reference in others for found in chain.named(reference)}
    strayed = not named or any(not chain.links[found].live for found in named)
    over = any(
        link.kind in {"Cancel", "Error", "Over"} and link.sent_epoch_s >= message.sent_epoch_s
        for link in chain.links.values()
    )
    live = not referred_to and not (over and not chain.live())
    infos = message.infos
    minor = any(name.endswith(MINOR_CHANGE) for info in infos for name, _ in info.parameters)
    for found in chain.live():
        link = chain.links[found]
        same_thing = found in named or found[1] == message.identifier
        if not same_thing and not strayed:
            continue  # a sibling that this message does not speak of
        if not same_thing and disjoint(chain.infos[found], infos):
            continue  # one warning split in two
        if link.sent_epoch_s > message.sent_epoch_s:
            live = False
        elif live:
            if minor and worst_severity(infos) is worst_severity(chain.infos[found]):
                chain.minor = True
            infos = infos or chain.infos[found]
            chain.end(found)
    chain.links[key] = ChainLink(
        identifier=message.identifier,
        sender=message.sender,
        sent_epoch_s=message.sent_epoch_s,
        kind=message.kind,
        seen=True,
        live=live,
        why_not_pushable=pushable(message),
        info_count=len(infos) if live else 0,
        content=content,
    )
    if live:
        chain.infos[key] = infos
        chain.superseded_by = ""


def _end(chain: _Chain, message: AlertMessage, others: Sequence[Reference]) -> None:
    """A Cancel, an Error, or an update that says that all is over: ends what it names, or what came of that."""
    named = {found for reference in others for found in chain.named(reference)}
    alive = {found for found in named if chain.links[found].live}
    for found in chain.live():
        if (found in alive or not alive) and found[2] <= message.sent_epoch_s:
            chain.end(found)
    if not chain.live() and message.infos:
        ground = any(area.polygons or area.circles or area.geocodes for info in message.infos for area in info.areas)
        if ground or not chain.last_infos:
            chain.last_infos = message.infos
    key = _key(message)
    chain.links[key] = ChainLink(
        identifier=message.identifier,
        sender=message.sender,
        sent_epoch_s=message.sent_epoch_s,
        kind="Over" if message.kind == "Update" else message.kind,
        seen=True,
        why_not_pushable=pushable(message),
    )


def _take_up(first: _Chain, other: _Chain) -> None:
    """One message replaces several events: the oldest goes on, with the others' messages in its memory."""
    for key, link in other.links.items():
        if key not in first.links or not first.links[key].seen:
            first.links[key] = link
    first.infos.update(other.infos)
    other.superseded_by = first.alert_id
    first.took_up = True
    for key in other.live():
        other.end(key)


def _settled(
    chain: _Chain,
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
    links = _trimmed(links, identities)
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


def _trimmed(links: tuple[ChainLink, ...], identities: set[Key]) -> tuple[ChainLink, ...]:
    spare = len(links) - MAX_LINKS
    if spare <= 0:
        return links
    old = [
        number
        for number, link in enumerate(links)
        if not link.live and (link.sender, link.identifier, link.sent_epoch_s) not in identities
    ]
    drop = set(old[:spare])
    return tuple(link for number, link in enumerate(links) if number not in drop)

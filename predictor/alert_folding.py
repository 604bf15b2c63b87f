"""Taking one message into the event it belongs to: which that is, and what the message does there.

Issuers refer to their messages sloppily, split a warning in two, take several up into one, and say that all is over in an
update. Policy: docs/alerts.md, "From messages to events".
"""

import hashlib
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from domain.alert import AlertInfo, AlertMessage, ChainLink, Reference, pushable
from domain.concern import LEVELS, level_of, worst_severity
from domain.standing import says_over
from predictor.alert_memory import Chain, key_of
from predictor.alert_sameness import content_of, disjoint, ground_key, is_answered, is_same_ground

FORGET_AFTER_S = 24 * 3600
"""An ended event is kept so long, and as long as its feed lists it: late residents and late duplicates find it."""

MAX_EARLIER = 20
"""States of one message that are remembered."""

ENDS = frozenset({"Cancel", "Error", "Over"})
"""Kinds of links that end others; Over is an update that says that all is over."""

MINOR_CHANGE = "MinorChange"
"""Parameter of a Canadian update that need not alarm, where it reaches the same people. Source: CAP-CP 0.4 §3."""


class Index:
    """Chains by the identifiers of their messages, by what the live ones say and, once somebody asks, by their ground: a feed may
    list thousands. Chains that were found may have moved on since; only ever more are found than there are."""

    def __init__(self, chains: Mapping[str, Chain]) -> None:
        self._chains = chains
        self._identifiers: dict[str, set[str]] = {}
        self._contents: dict[str, set[str]] = {}
        self._grounds: dict[int, set[str]] | None = None
        for chain in chains.values():
            self.add(chain)

    def add(self, chain: Chain) -> None:
        """Let the chain be found as it now is."""
        for key, link in chain.links.items():
            self._identifiers.setdefault(key[1], set()).add(chain.alert_id)
            if link.live:
                self._contents.setdefault(link.content, set()).add(chain.alert_id)
        if self._grounds is not None:
            self._add_ground(self._grounds, chain)

    def _add_ground(self, grounds: dict[int, set[str]], chain: Chain) -> None:
        for key in chain.live():
            grounds.setdefault(ground_key(chain.infos[key]), set()).add(chain.alert_id)

    def named(self, identifier: str) -> list[Chain]:
        """Chains with a message of that identifier."""
        return self._found(self._identifiers.get(identifier, ()))

    def saying(self, content: str) -> list[Chain]:
        """Chains with a live message of that digest."""
        return self._found(self._contents.get(content, ()))

    def on_ground(self, infos: tuple[AlertInfo, ...]) -> list[Chain]:
        """Chains with a live message for that very ground."""
        if self._grounds is None:
            self._grounds = {}
            for chain in self._chains.values():
                self._add_ground(self._grounds, chain)
        return self._found(self._grounds.get(ground_key(infos), ()))

    def _found(self, alert_ids: Collection[str]) -> list[Chain]:
        return [self._chains[alert_id] for alert_id in sorted(alert_ids)]


def fold(
    message: AlertMessage,
    chains: dict[str, Chain],
    index: Index,
    *,
    feed_id: str,
    now_epoch_s: float,
) -> None:
    """Take one message into the chain it belongs to, or into a new one."""
    key = key_of(message)
    if message.kind == "Ack":
        return
    near = [
        chain
        for identifier in (message.identifier, *(reference.identifier for reference in message.references))
        for chain in index.named(identifier)
    ]
    same_status = [chain for chain in _once(near) if chain.status is message.status]
    references = message.references
    if message.kind == "Error" and references:
        same_status = [chain for chain in same_status if _has_spoken(message.sender, chain)]
        references = tuple(one for one in references if _is_own(one, message.sender, same_status))
        if not references:
            return
    content = content_of(message)
    seen = [chain for chain in same_status if key in chain.links and chain.links[key].seen]
    others = [one for one in references if one.identifier != message.identifier or one.sender != message.sender]
    own = Reference(identifier=message.identifier, sender=message.sender, sent_epoch_s=message.sent_epoch_s)
    ends = _is_an_end(message)
    if seen:
        for chain in seen:
            if not ends:
                _change_in_place(chain, message, content)
            elif chain.links[key].live:
                chain.folded = True
                _end(chain, message, [*others, own])
            index.add(chain)
        return
    meant = [chain for reference in others for chain in _meant(reference, message.sender, same_status)]
    related = [
        chain
        for chain in same_status
        if chain in meant
        or any(sender in {message.sender, ""} for sender, identifier, _ in chain.links if identifier == own.identifier)
    ]
    if not related and not ends:
        related = [chain for chain in index.saying(content) if _repeats(chain, message, content)]
    if not related and not others and message.kind in {"Update", "Cancel"}:
        alike = [chain for chain in index.on_ground(message.infos) if _speaks_of(message, chain)]
        related = alike if len(alike) == 1 else []
    if not related:
        if ends and not others:
            return  # the end of nothing we know
        new_id = _new_id(message, others, feed_id, chains, now_epoch_s)
        chain = Chain(new_id, message.status, int(now_epoch_s))
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
        index.add(chain)


def _is_an_end(message: AlertMessage) -> bool:
    says_so = bool(message.infos) and all(says_over(info) for info in message.infos)
    return message.kind in {"Cancel", "Error"} or (message.kind == "Update" and says_so)


def _has_spoken(sender: str, chain: Chain) -> bool:
    return any(key[0].casefold() == sender.casefold() and (sender or link.seen) for key, link in chain.links.items())


def _is_own(reference: Reference, sender: str, spoken: Sequence[Chain]) -> bool:
    """Is what an Error of *sender* names its own: by the sender that the reference names, else in one of the events in which it
    has *spoken*? Whoever could not use the message of somebody else says nothing about the danger."""
    if reference.sender:
        return reference.sender.casefold() == sender.casefold()
    return any(chain.named(reference) for chain in spoken)


def _meant(reference: Reference, sender: str, chains: Sequence[Chain]) -> list[Chain]:
    """The chains that a reference in a message of *sender* means: exactly; else of the sender it names; else by identifier
    alone. Then only chains in which *sender* has spoken: two authorities may both count their warnings from 1, and one must
    not end the other's. A reference that names no sender may mean any chain."""
    found = [(chain, key) for chain in chains for key in chain.links if key[1] == reference.identifier]
    exact = [chain for chain, key in found if key == (reference.sender, reference.identifier, reference.sent_epoch_s)]
    named, speaks = reference.sender.casefold(), {sender.casefold(), ""}  # mail addresses, mostly
    theirs = [chain for chain, key in found if named and key[0].casefold() == named]
    own = [
        chain for chain, _ in found if any(key[0].casefold() in speaks and chain.links[key].seen for key in chain.links)
    ]
    loose = [] if reference.sender else [chain for chain, _ in found]
    return _once(exact or theirs or own or loose)


def _once(chains: list[Chain]) -> list[Chain]:
    return list({chain.alert_id: chain for chain in chains}.values())


def _repeats(chain: Chain, message: AlertMessage, content: str) -> bool:
    """The same words for the same ground from the same sender under a new identity."""
    return chain.status is message.status and any(
        link.live and link.content == content and link.sender == message.sender for link in chain.links.values()
    )


def _change_in_place(chain: Chain, message: AlertMessage, content: str) -> None:
    """Take up what a message says that was read before, where its issuer changed it without a new identity. What it said once is
    news again only where it is graver than what stands: two servers of one feed may hold two states of it. What was replaced
    or ended stays so; what was an end itself and now warns, in words that it did not end, is a warning."""
    key = key_of(message)
    link = chain.links[key]
    if not message.infos or content == link.content or not (link.live or link.kind in ENDS):
        return
    if content in link.earlier and (not link.live or _gravity(message.infos) <= _gravity(chain.infos[key])):
        return
    chain.folded = True
    chain.infos[key] = message.infos
    chain.links[key] = replace(
        link,
        kind=message.kind,
        live=True,
        content=content,
        earlier=_earlier(link),
        info_count=len(message.infos),
        why_not_pushable=pushable(message),
    )


def _earlier(link: ChainLink) -> tuple[str, ...]:
    return (*link.earlier, link.content)[-MAX_EARLIER:]


def _gravity(infos: tuple[AlertInfo, ...]) -> int:
    return max(LEVELS.index(level_of(info)) for info in infos)


def _speaks_of(message: AlertMessage, chain: Chain) -> bool:
    """Is an update or cancel that names no message one of this event's? Of the same sender, of every event that it warns of,
    of exactly the same ground and of a time when it holds: then nobody loses a warning by it."""
    if chain.status is not message.status or not message.infos:
        return False
    names = {info.event.casefold() for info in message.infos}
    return any(
        chain.links[key].sender == message.sender
        and key[2] <= message.sent_epoch_s
        and names & {info.event.casefold() for info in chain.infos[key]}
        and is_same_ground(message.infos, chain.infos[key])
        and all(
            any(is_answered(said, key[2], answer, message.sent_epoch_s) for answer in message.infos)
            for said in chain.infos[key]
        )
        for key in chain.live()
    )


def _new_id(
    message: AlertMessage, others: Sequence[Reference], feed_id: str, chains: Mapping[str, Chain], now_epoch_s: float
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


def _replace(chain: Chain, message: AlertMessage, others: Sequence[Reference], content: str) -> None:
    """An Alert or Update: it takes the place of what it names, unless something newer already did."""
    key = key_of(message)
    spoken_epoch_s = max((link.sent_epoch_s or sys.maxsize for link in chain.links.values() if link.seen), default=0)
    referred_to = key in chain.links or any(
        identifier == message.identifier
        and sender in {"", message.sender}
        and (sent == message.sent_epoch_s or (not sent and spoken_epoch_s >= message.sent_epoch_s))
        for (sender, identifier, sent), link in chain.links.items()
        if not link.seen
    )
    named = {found for reference in others for found in chain.named(reference)}
    strayed = not named or any(not chain.links[found].live for found in named)
    over = any(link.kind in ENDS and link.sent_epoch_s >= message.sent_epoch_s for link in chain.links.values())
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
            before = chain.infos[found]
            if minor and worst_severity(infos) is worst_severity(before) and is_same_ground(infos, before):
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


def _end(chain: Chain, message: AlertMessage, others: Sequence[Reference]) -> None:
    """A Cancel, an Error, or an update that says that all is over: ends what it names, or what came of that."""
    named = {found for reference in others for found in chain.named(reference)}
    alive = {found for found in named if chain.links[found].live}
    exact = {(one.sender, one.identifier, one.sent_epoch_s) for one in others}
    for found in chain.live():
        # What it names to the second was there before it, whatever the clocks say.
        is_before = found[2] <= message.sent_epoch_s or found in exact or not message.sent_epoch_s
        if (found in alive or not alive) and is_before:
            chain.end(found)
    if not chain.live() and message.infos:
        ground = any(area.polygons or area.circles or area.geocodes for info in message.infos for area in info.areas)
        if ground or not chain.last_infos:
            chain.last_infos = message.infos
    key = key_of(message)
    chain.links[key] = ChainLink(
        identifier=message.identifier,
        sender=message.sender,
        sent_epoch_s=message.sent_epoch_s,
        kind="Over" if message.kind == "Update" else message.kind,
        seen=True,
        earlier=_earlier(chain.links[key]) if key in chain.links else (),
        why_not_pushable=pushable(message),
    )


def _take_up(first: Chain, other: Chain) -> None:
    """One message replaces several events: the oldest goes on, with the others' messages in its memory."""
    for key, link in other.links.items():
        if key not in first.links or not first.links[key].seen:
            first.links[key] = link
    first.infos.update(other.infos)
    other.superseded_by = first.alert_id
    first.took_up = True
    for key in other.live():
        other.end(key)

"""What an event remembers of its messages: an Alert opened up to be worked on, and shut again.

A chain's *live* messages are those that no later one replaced or ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domain.alert import Alert, AlertInfo, AlertMessage, ChainLink, MessageStatus, Reference

MAX_LINKS = 200
"""Of one chain: flood feeds keep one identifier for years."""

Key = tuple[str, str, int]
"""(sender, identifier, sent): a message's identity."""


@dataclass(slots=True)
class Chain:
    """An Alert being worked on: its links by identity, and the blocks of those that are live."""

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
    def of(cls, alert: Alert) -> "Chain":
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


def key_of(message: AlertMessage) -> Key:
    """A message's identity."""
    return (message.sender, message.identifier, message.sent_epoch_s)


def trimmed(links: tuple[ChainLink, ...], identities: set[Key]) -> tuple[ChainLink, ...]:
    """Without the oldest that neither hold nor are listed (by *identities*), where there are too many."""
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

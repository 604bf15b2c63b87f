"""A warning feed over time, and small messages for it: what was listed, and what was told of it."""

from dataclasses import replace

from domain.alert import Alert, AlertMessage, Area, Reference
from predictor.alert_chains import Changes, advance
from tests.feeds.formats.cap_messages import alert, read

T0 = 1_795_435_200
"""2026-11-23T12:00:00Z, when the first message is sent; it expires six hours later."""

FIRST = read(alert())


def message(
    identifier: str, after_s: int = 0, kind: str = "Alert", *refers_to: AlertMessage | str, **changes: object
) -> AlertMessage:
    """A sound message sent *after_s* seconds after the first; references are exact, or bare identifiers."""
    references = tuple(
        Reference(identifier=one)
        if isinstance(one, str)
        else Reference(identifier=one.identifier, sender=one.sender, sent_epoch_s=one.sent_epoch_s)
        for one in refers_to
    )
    made = replace(
        FIRST,
        identifier=identifier,
        sent_epoch_s=T0 + after_s,
        kind=kind,
        references=references,
        infos=tuple(
            replace(block, headline=f"{identifier} says", effective_epoch_s=T0 + after_s) for block in FIRST.infos
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def north(one: AlertMessage) -> AlertMessage:
    """The same for ground elsewhere."""
    ground = Area(description="North", polygons=(((20, 60), (21, 60), (21, 61), (20, 61), (20, 60)),))
    return replace(one, infos=tuple(replace(block, areas=(ground,)) for block in one.infos))


class Feed:
    """A feed over time, and everything that was told of it."""

    def __init__(self) -> None:
        self.known: dict[str, Alert] = {}
        self.told: list[Alert] = []

    def lists(self, *messages: AlertMessage, at_s: float = 60, seen_s: float | None = None) -> Changes:
        """One step; *at_s* and *seen_s* (the last good poll) count from the first message."""
        changes = advance(
            self.known,
            messages,
            feed_id="civil",
            seen_epoch_s=T0 + (at_s if seen_s is None else seen_s),
            now_epoch_s=T0 + at_s,
        )
        self.known |= {one.alert_id: one for one in (*changes.told, *changes.quiet)}
        for alert_id in changes.forgotten:
            del self.known[alert_id]
        self.told += changes.told
        return changes

    def story(self) -> list[tuple[int, str, str]]:
        """What was told: revision, state, headline."""
        return [(one.revision, one.state.value, one.infos[0].headline if one.infos else "") for one in self.told]

    def only(self) -> Alert:
        (one,) = self.known.values()
        return one


A = message("A")
U = message("U", 600, "Update", A)
C = message("C", 1200, "Cancel", A, U, infos=())


def on(made: AlertMessage, areas: tuple[Area, ...]) -> AlertMessage:
    """The message, about other ground."""
    return replace(made, infos=tuple(replace(block, areas=areas) for block in made.infos))

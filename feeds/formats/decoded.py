"""What a decoder found: the good, the problems, and how old the feed says it is."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from domain.feed import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded(Generic[T]):
    """*items* in the house's words; *header_epoch_s* is the feed's own timestamp, 0 where it has none."""

    items: T
    problems: tuple[Problem, ...] = ()
    header_epoch_s: int = 0
    entity_counts: dict[str, int] = field(default_factory=dict)

    @property
    def entities(self) -> int:
        return sum(self.entity_counts.values())

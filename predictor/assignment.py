"""Who takes what, at the least total cost, nobody twice: the assignment problem on a sparse table of costs.

Successive shortest augmenting paths with potentials: exact, and quick where everybody has only a few choices.
Source: Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
Computing 38 (1987).
"""

import heapq
from collections.abc import Mapping, Sequence

Choices = Sequence[tuple[int, float]]


def assign(choices: Mapping[int, Choices], alone: float) -> dict[int, int]:
    """Taker to thing. *choices* are (thing, cost) for each taker; a taker who takes nothing costs *alone*.

    The same costs always give the same answer: takers and things are gone through in their given order.
    """
    useful = {who: [(thing, cost) for thing, cost in of if cost < alone] for who, of in choices.items()}
    table = _Table(useful, alone)
    for who in useful:
        table.seat(who)
    return table.has


class _Table:
    """Takers seated so far, at the least cost for them."""

    def __init__(self, choices: Mapping[int, Choices], alone: float) -> None:
        self.choices, self.alone = choices, alone
        self.has: dict[int, int] = {}
        self.holder: dict[int, int] = {}
        self.price: dict[int, float] = {}
        """What makes every seated taker's thing the cheapest for it; 0 for a free thing, and for nothing."""

    def seat(self, who: int) -> None:
        """Give *who* a thing, or nothing, moving others along the chain that costs least."""
        best: dict[int, float] = {}
        came: dict[int, int] = {}
        settled: dict[int, float] = {}
        heap: list[tuple[float, int]] = []
        reached, taker = 0.0, who
        end_s, loser, free = self.alone, who, None
        while True:
            for thing, cost in self.choices[taker]:
                total = reached + cost + self.price.get(thing, 0.0)
                if thing not in settled and total < best.get(thing, float("inf")):
                    best[thing], came[thing] = total, taker
                    heapq.heappush(heap, (total, thing))
            if reached + self.alone < end_s:
                end_s, loser = reached + self.alone, taker
            while heap and (heap[0][1] in settled or heap[0][0] > best[heap[0][1]]):
                heapq.heappop(heap)
            if not heap or heap[0][0] >= end_s:
                break
            total, thing = heapq.heappop(heap)
            settled[thing] = total
            if thing not in self.holder:
                end_s, free = total, thing
                break
            taker = self.holder[thing]
            held = next(cost for it, cost in self.choices[taker] if it == thing)
            reached = total - held - self.price.get(thing, 0.0)
        for thing, total in settled.items():
            self.price[thing] = self.price.get(thing, 0.0) + max(end_s - total, 0.0)
        if free is None:
            if loser == who:
                return
            free = self.has.pop(loser)
        while True:
            taker = came[free]
            before = self.has.get(taker)
            self.has[taker], self.holder[free] = free, taker
            if before is None:
                return
            free = before

"""What this process counts about its own answers; ``api.formats.prometheus`` writes it down."""

import bisect

LATENCY_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """Requests by route and status, and how long their answers took to make. Routes come from the tables of routes."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.latency_buckets: dict[str, list[int]] = {}
        """Route to how many answers fell in each bucket; the last one counts the slower ones."""
        self.latency_sum_s: dict[str, float] = {}

    def count(self, route: str, status: int, took_s: float) -> None:
        key = (route, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        buckets = self.latency_buckets.get(route)
        if buckets is None:
            buckets = self.latency_buckets[route] = [0] * (len(LATENCY_BUCKETS_S) + 1)
            self.latency_sum_s[route] = 0.0
        buckets[bisect.bisect_left(LATENCY_BUCKETS_S, took_s)] += 1
        self.latency_sum_s[route] += took_s

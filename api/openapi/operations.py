"""Every address that is served: what it takes, what it answers, and a request to see it with.

A test holds this to the tables of routes.
"""

from api.openapi.beyond import beyond
from api.openapi.operation import Operation
from api.openapi.where import of_where


def operations() -> list[Operation]:
    """All of them, OneBusAway's first."""
    return [*of_where(), *beyond()]

"""``situation``: one notice about routes, stops or trips."""

from api.errors import unknown
from api.where import Ask


def situation(ask: Ask) -> bytes:
    """The notice of that id while it is published, in force or not."""
    served, raw_id = ask.split("id", ask.id)
    for number, it in enumerate(served.notices.situations):
        if it.raw_id == raw_id:
            return ask.entry(served.notices.piece(number)[1])
    raise unknown()

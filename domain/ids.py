"""Qualified ids: ``agencycode_rawid``, split on the first underscore. The only place that makes or splits them.

An agency's code is unique in a deployment: letters, digits, ``.`` and ``-``; never an underscore.
"""

from domain.errors import IdMalformed


def qualify(agency_code: str, raw_id: str) -> str:
    """The house-wide id of *raw_id*; a blank raw id stays blank (OneBusAway writes ``""`` for "none")."""
    return f"{agency_code}_{raw_id}" if raw_id else ""


def split(qualified_id: str) -> tuple[str, str]:
    """(agency code, raw id) of a qualified id; raw ids may hold underscores, spaces, slashes, anything.

    Raises IdMalformed when there is no underscore or nothing on one side of it.
    """
    code, mark, raw = qualified_id.partition("_")
    if not (mark and code and raw):
        raise IdMalformed(f"id {qualified_id[:80]!r}: expected agency code, underscore, id (such as 1_75403)")
    return code, raw

"""Words as people type them: accents, case, width and common abbreviations do not matter. Pure."""

import re
import unicodedata
from functools import lru_cache

LONG_FORMS = {
    "av": "avenue", "ave": "avenue", "bd": "boulevard", "blvd": "boulevard", "ctr": "center", "centre": "center",
    "dr": "drive", "hwy": "highway", "jct": "junction", "ln": "lane", "mt": "mount", "opp": "opposite",
    "pkwy": "parkway", "pl": "place", "pt": "point", "rd": "road", "rte": "route", "sq": "square", "st": "street",
    "sta": "station", "stn": "station", "str": "strasse", "ter": "terminal", "tpke": "turnpike", "univ": "university",
    "n": "north", "e": "east", "s": "south", "w": "west",
}  # fmt: skip
"""Abbreviations in the names of stops, as schedules and riders write them; both sides are compared in the long form."""
FILLERS = frozenset({"and", "at", "the"})
"""Riders say them between two streets; schedules write a sign, if anything."""

_LETTERS = str.maketrans({"đ": "d", "ð": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "þ": "th"})
"""Letters that no normalisation takes apart."""
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_TOKEN = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han."""


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower case, without accents, full-width letters and digits of any script as plain ones; đ is d.

    ``Ｑｕảng Trường Đống Đa １２`` becomes ``quang truong dong da 12``.
    """
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold()).translate(_LETTERS)
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in parts
        if not unicodedata.combining(letter)
    )


def tokens(text: str) -> list[str]:
    """The folded words of a text, in order; ``5th`` and ``42nd`` as ``5`` and ``42``, apostrophes left out."""
    words = _TOKEN.findall(fold(text).replace("'", "").replace("’", ""))
    return [ordinal[1] if (ordinal := _ORDINAL.fullmatch(word)) else word for word in words]


def written_out(token: str) -> str:
    """The long form of an abbreviation, or the token itself."""
    return LONG_FORMS.get(token, token)


def is_unspaced(token: str) -> bool:
    """Does it belong to a script that writes no spaces, so that a word may begin anywhere in it?"""
    return not token.isascii() and _UNSPACED.search(token) is not None


def edits_allowed(token: str) -> int:
    """How many typing errors a word of that length may have: none below 4 letters, nor in numbers."""
    if any(letter.isdigit() for letter in token):
        return 0
    return 0 if len(token) < 4 else 1 if len(token) < 8 else 2

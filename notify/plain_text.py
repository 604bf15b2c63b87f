"""Issuers' text made fit for a small screen: no markup, nothing that hides or turns text, cut where one may cut."""

import html
import re
import unicodedata

ELLIPSIS = "…"
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,300}|!--.*?--)>", re.DOTALL)
_BREAK = re.compile(r"<(?:br|/p|/li|/div|/h\d)\b[^<>]{0,300}>", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
_TURNING = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])
_JOINER = "\u200d"


def plain(text: str) -> str:
    """One line without markup, control characters and controls of direction."""
    text = html.unescape(_TAG.sub(" ", _BREAK.sub(" ", text))).translate(_TURNING)
    text = "".join(" " if unicodedata.category(one) in {"Cc", "Zl", "Zp"} else one for one in text)
    return re.sub(r"\s+([.,;!?])(?=\s|$)", r"\1", " ".join(text.split()))


def _may_cut(text: str, at: int) -> bool:
    """Is there a boundary between two perceived characters before position *at*? (UAX 29, as far as alerts need.)"""
    if not 0 < at < len(text):
        return True
    after, before = text[at], text[at - 1]
    if unicodedata.category(after) in {"Mn", "Me", "Mc"} or _JOINER in {after, before}:
        return False
    if 0x1F3FB <= ord(after) <= 0x1F3FF:  # skin tones
        return False
    if 0x1F1E6 <= ord(after) <= 0x1F1FF:  # flags are pairs
        run = 0
        while run < at and 0x1F1E6 <= ord(text[at - 1 - run]) <= 0x1F1FF:
            run += 1
        return run % 2 == 0
    return True


def cut(text: str, most: int) -> str:
    """At most *most* characters, cut after a word where one ends in the last third, never inside a character."""
    if len(text) <= most:
        return text
    if most <= len(ELLIPSIS):
        return ""
    at = most - len(ELLIPSIS)
    space = text.rfind(" ", 0, at + 1)
    if space >= at * 2 // 3 and space > 0:
        at = space
    while at > 0 and not _may_cut(text, at):
        at -= 1
    shorter = text[:at].rstrip(" ,;:–-(")
    return shorter + ELLIPSIS if shorter else ""


def whole_sentences(text: str, most: int) -> str:
    """As many whole sentences as fit into *most* characters; the first one cut when not even that fits."""
    if len(text) <= most:
        return text
    kept = ""
    for sentence in _SENTENCE.split(text):
        longer = f"{kept} {sentence}" if kept else sentence
        if len(longer) > most:
            break
        kept = longer
    return kept or cut(text, most)

"""CAP messages: every info block, every language, whatever wraps them; one bad part is a Problem.

Takes CAP 1.0 to 1.2 with their namespaces, a wrong one or none, one ``<alert>`` or several, at the root or inside
SOAP, EDXL or Atom. Signatures are not verified and resources not read. Nothing is gated on the XML schema: a tenth of
really issued messages break it.
Source: OASIS CAP 1.2 §3.2.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from xml.etree.ElementTree import Element

from domain.alert import AlertInfo, AlertMessage, Area, MessageStatus, Reference, Severity
from domain.errors import NotThisFormat
from domain.feed import Problem, ProblemLevel
from feeds.formats import xml_safely as xml
from feeds.formats.cap_areas import read_areas, read_pairs
from feeds.formats.cap_tests import why_test
from feeds.formats.cap_times import read_time
from feeds.formats.decoded import Decoded

KINDS = ("Alert", "Update", "Cancel", "Ack", "Error")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
SCOPES = ("Public", "Restricted", "Private")
CAP_1_0 = "http://www.incident.com/cap/1.0"
NAMESPACES = (CAP_1_0, "urn:oasis:names:tc:emergency:cap:1.1", "urn:oasis:names:tc:emergency:cap:1.2")

_SEMICOLON = re.compile(r";(?=[^,;\s]+,[^,;\s]+,)")
"""Between references, where blanks belong."""

MAX_TEXT = 30_000
"""Characters of one text; what is longer is cut."""

MAX_INFOS = 200
MAX_REFERENCES = 500
MAX_MESSAGES = 20_000


class _Problems:
    """Problems of one decode, one for each code and place, counted."""

    def __init__(self) -> None:
        self.where = ""
        self._found: dict[tuple[str, str], Problem] = {}

    def report(self, code: str, level: ProblemLevel, message: str) -> None:
        key = (code, self.where)
        known = self._found.get(key)
        self._found[key] = (
            replace(known, count=known.count + 1)
            if known
            else Problem(code=code, level=level, message=message, where=self.where)
        )

    def all(self) -> tuple[Problem, ...]:
        return tuple(self._found.values())


def decode(data: bytes, *, feed_id: str) -> Decoded[tuple[AlertMessage, ...]]:
    """Every CAP message in *data*; raises NotThisFormat when it is no XML, dangerous, or has none."""
    return decode_elements(alert_elements(xml.parse(data, "a CAP message")), feed_id=feed_id)


def alert_elements(root: Element) -> list[Element]:
    """The CAP messages under *root*, outermost first; raises NotThisFormat when there is none."""
    found = [element for element in root.iter() if _is_alert(element)]
    if not found:
        raise NotThisFormat(f"expected a CAP <alert>, found <{xml.local_name(root)}> without one")
    return found[:MAX_MESSAGES]


def _is_alert(element: Element) -> bool:
    return xml.local_name(element) == "alert" and any(
        xml.local_name(child) in {"identifier", "sender", "sent", "msgtype", "info"} for child in element
    )


def decode_elements(elements: Iterable[Element], *, feed_id: str) -> Decoded[tuple[AlertMessage, ...]]:
    """The messages that ``<alert>`` elements say."""
    problems = _Problems()
    messages = tuple(_read_message(element, feed_id, problems) for element in elements)
    kinds = Counter(message.status.value.lower() for message in messages)
    return Decoded(
        items=messages,
        problems=problems.all(),
        header_epoch_s=max((message.sent_epoch_s for message in messages), default=0),
        entity_counts={"messages": len(messages), **dict(sorted(kinds.items()))},
    )


def _read_message(element: Element, feed_id: str, problems: _Problems) -> AlertMessage:
    identifier = problems.where = _word(element, "identifier")
    if not identifier:
        identifier = problems.where = f"unnamed-{_digest(element)}"
        problems.report("cap_identifier_missing", ProblemLevel.ERROR, "no <identifier>: named by its content")
    if (space := xml.namespace(element)) not in NAMESPACES:
        problems.report("cap_namespace", ProblemLevel.INFO, f"namespace {space[:80]!r} is not CAP's")
    kind = _choice(element, "msgtype", KINDS, problems, otherwise="Alert")
    infos = tuple(_read_info(child, problems) for child in xml.children(element, "info")[:MAX_INFOS])
    sent_epoch_s = _time(element, "sent", problems)
    if not sent_epoch_s:
        problems.report("cap_sent_missing", ProblemLevel.ERROR, "no usable <sent>")
        sent_epoch_s = max((info.effective_epoch_s for info in infos), default=0)
    return AlertMessage(
        feed_id=feed_id,
        sender=_word(element, "sender"),
        identifier=identifier,
        sent_epoch_s=sent_epoch_s,
        status=_status(element, problems),
        kind=kind,
        scope=_scope(element, problems),
        references=read_references(xml.text(element, "references")),
        incidents=tuple(xml.text(element, "incidents").split()),
        codes=tuple(code for child in xml.children(element, "code") if (code := xml.own_text(child))),
        note=_cut(xml.text(element, "note")),
        infos=tuple(
            replace(info, effective_epoch_s=info.effective_epoch_s or sent_epoch_s)
            for info in _give_ground(infos, kind, problems)
        ),
        looks_like_test=why_test(infos),
    )


def _give_ground(infos: tuple[AlertInfo, ...], kind: str, problems: _Problems) -> tuple[AlertInfo, ...]:
    """An info block without area speaks of the ground of the others; a warning without any, of everywhere."""
    if all(info.areas for info in infos):
        return infos
    theirs = tuple(dict.fromkeys(area for info in infos for area in info.areas))
    if not theirs and kind not in {"Alert", "Update"}:
        return infos
    if not theirs:
        problems.report("cap_area_missing", ProblemLevel.WARNING, "no <area>: taken for everywhere")
        theirs = (Area(description="", everywhere=True),)
    return tuple(info if info.areas else replace(info, areas=theirs) for info in infos)


def _read_info(element: Element, problems: _Problems) -> AlertInfo:
    severity = _choice(element, "severity", [level.value for level in Severity], problems, otherwise="Unknown")
    certainty = xml.text(element, "certainty")
    return AlertInfo(
        language=_language(xml.text(element, "language")),
        categories=tuple(word for child in xml.children(element, "category") if (word := xml.own_text(child))),
        event=_cut(xml.text(element, "event")),
        response_types=tuple(word for child in xml.children(element, "responsetype") if (word := xml.own_text(child))),
        urgency=_choice(element, "urgency", URGENCIES, problems, otherwise="Unknown"),
        severity=Severity(severity),
        certainty="Likely"  # what CAP 1.0 called so
        if certainty.lower() == "very likely"
        else _choice(element, "certainty", CERTAINTIES, problems, otherwise="Unknown"),
        effective_epoch_s=_time(element, "effective", problems),
        onset_epoch_s=_time(element, "onset", problems),
        expires_epoch_s=_time(element, "expires", problems),
        sender_name=_cut(xml.text(element, "sendername")),
        headline=_cut(xml.text(element, "headline")),
        description=_cut(xml.text(element, "description")),
        instruction=_cut(xml.text(element, "instruction")),
        web=_web(xml.text(element, "web")),
        contact=_cut(xml.text(element, "contact")),
        event_codes=tuple(pair for child in xml.children(element, "eventcode") for pair in read_pairs(child)),
        parameters=tuple(
            (name, _cut(value)) for child in xml.children(element, "parameter") for name, value in read_pairs(child)
        ),
        areas=read_areas(element, problems.report),
    )


def read_references(text: str) -> tuple[Reference, ...]:
    """What a message follows: ``sender,identifier,sent`` triples, or whatever an issuer writes instead.

    A word without commas is taken for an identifier. Lists of identifiers inside a triple (German federal feed, 2022)
    fall apart into words at their blanks; a sent time that is none is left out.
    """
    found: dict[Reference, None] = {}
    for word in _SEMICOLON.sub(" ", text).split()[:MAX_REFERENCES]:
        parts = [part.strip() for part in word.split(",")]
        if len(parts) >= 3:
            sent = read_time(",".join(parts[2:])).epoch_s
            reference = Reference(identifier=parts[1], sender=parts[0], sent_epoch_s=sent)
        elif len(parts) == 2:
            reference = Reference(identifier=parts[1], sender=parts[0])
            found[Reference(identifier=parts[0])] = None  # "identifier,sent" and "sender,identifier" look the same
        else:
            reference = Reference(identifier=parts[0])
        if reference.identifier:
            found[reference] = None
    return tuple(reference for reference in found if reference.identifier)


def _status(element: Element, problems: _Problems) -> MessageStatus:
    said = _choice(element, "status", [status.value for status in MessageStatus], problems, otherwise="Unknown")
    return MessageStatus(said)


def _scope(element: Element, problems: _Problems) -> str:
    if not xml.text(element, "scope") and xml.namespace(element) == CAP_1_0:
        return "Public"  # not required there
    return _choice(element, "scope", SCOPES, problems, otherwise="")


def _choice(element: Element, name: str, choices: Iterable[str], problems: _Problems, *, otherwise: str) -> str:
    said = xml.text(element, name)
    for choice in choices:
        if choice.lower() == said.lower():
            return choice
    message = f"<{name}> expected one of {', '.join(choices)}; found {said[:40]!r}; taken for {otherwise or 'none'}"
    problems.report(f"cap_{name}", ProblemLevel.WARNING, message)
    return otherwise


def _time(element: Element, name: str, problems: _Problems) -> int:
    instant = read_time(xml.text(element, name))
    if instant.fault:
        level = ProblemLevel.INFO if instant.epoch_s else ProblemLevel.ERROR
        problems.report("cap_time", level, f"<{name}> {instant.fault}")
    return instant.epoch_s


def _word(element: Element, name: str) -> str:
    """A text that must hold no blanks, without those that it holds all the same at its ends and within."""
    return "_".join(xml.text(element, name).split())[:500]


def _language(text: str) -> str:
    """The tag with a hyphen; ``en-US`` when nothing is said. Source: CAP 1.2 §3.2.2, language."""
    return text.replace("_", "-")[:35] or "en-US"


def _web(text: str) -> str:
    """The address when it is one that a browser may follow, else blank."""
    return text[:2000] if text.lower().startswith(("https://", "http://")) else ""


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _digest(element: Element) -> str:
    return hashlib.sha256("\x1f".join(element.itertext()).encode("utf-8", "surrogatepass")).hexdigest()[:16]

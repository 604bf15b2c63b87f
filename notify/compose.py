"""The words of a notification: what, where, until when, what to do; in the resident's language as far as there is text.

The frame (level, times, an action from CAP's response types) is ours and translated; the event, headline and
instruction are the issuer's, taken from the block in the nearest language. Where that is another language than the
resident's, the text is marked with its tag. Everything fits a small screen and the provider's 4 KB.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from domain.alert import SEVERITY_RANK, Alert, AlertInfo, AlertState
from domain.concern import LEVELS, level_of
from domain.notification import Notification, NotificationKind
from domain.risk import Risk, RiskLevel
from domain.spoken_time import spoken_time
from domain.standing import ends_epoch_s, says_over
from domain.subscription import Place, Subscription
from notify import languages
from notify.phrases import DEFAULT, catalogues
from notify.plain_text import cut, plain, whole_sentences
from notify.policy import ALL_CLEAR_LIFE_S, Decision

TITLE_MOST = 65
"""Characters: what phones show of a title on one line, and a little."""

BODY_MOST = 240
PLACE_MOST = 40
HEADLINE_LEAST = 24
"""A headline that must be cut shorter than this says nothing."""


def replacement_id(alert_id: str) -> str:
    """The same for all that is ever said of an event, so that the newer replaces the older on the screen.

    24 characters of base64url: the narrowest limit is Web Push's Topic (32 of them; RFC 8030 §5.4).
    """
    return base64.urlsafe_b64encode(hashlib.blake2b(alert_id.encode(), digest_size=18).digest()).decode()


def compose(
    alert: Alert,
    decision: Decision,
    subscription: Subscription,
    *,
    zone: tzinfo,
    fallback: str,
    now_epoch_s: float,
    was_unheard: bool = False,
) -> Notification:
    """What to say. *zone* is the city's, *fallback* the language where the resident's is not there; *was_unheard* makes an
    all-clear tell of the warning, too: quiet hours kept it back."""
    chain = [subscription.language, fallback, DEFAULT]
    words = _Words(chain, zone, now_epoch_s)
    where = (shown_label(decision.place) if decision.place is not None else "") or words.say(
        "your_place" if len(subscription.places) == 1 or decision.place is not None else "your_places"
    )
    info = choose_info(alert, decision.risk, chain, now_epoch_s)
    foreign = languages.match(words.language, [info.language]) is None if info is not None else False
    event = _event(info, words, foreign)
    if decision.kind is NotificationKind.ALL_CLEAR:
        over = _why_over(alert, decision.risk)
        key = _OVER_TITLES.get(over, "title_ended")
        body = words.say(f"over_{over}", place=where)
        if was_unheard:
            level = words.say(f"level_{decision.level.value}")
            body = f"{words.say('unheard', place=where, level=level)} {body}"
        title, body = words.say(key, event=event), cut(body, BODY_MOST)
        expires = max(alert.ended_epoch_s or alert.updated_epoch_s, 0) + ALL_CLEAR_LIFE_S
    else:
        assert info is not None
        key = "title_update" if decision.kind is NotificationKind.UPDATE else "title_warning"
        title = words.say(key, event=event)
        body = _body(alert, info, decision.level, where, words, foreign)
        expires = max(ends_epoch_s(info, alert.listed_epoch_s), int(now_epoch_s))
    said = "\n".join((decision.level.value, where, event, body))
    return Notification(
        alert_id=alert.alert_id,
        revision=alert.revision,
        kind=decision.kind,
        subscription_id=subscription.subscription_id,
        replacement_id=replacement_id(alert.alert_id),
        title=cut(title, TITLE_MOST),
        body=body,
        language=info.language if foreign and info is not None else words.language,
        level=decision.level.value,
        expires_epoch_s=expires,
        place_label=where,
        content=hashlib.blake2b(said.encode(), digest_size=8).hexdigest(),
    )


def shown_label(place: Place) -> str:
    """What a resident calls the place, as a notification shows it; may be blank."""
    return cut(plain(place.label), PLACE_MOST)


def choose_info(alert: Alert, risk: Risk | None, wanted: Sequence[str], now_epoch_s: float) -> AlertInfo | None:
    """The block to quote: of those that cover the place and are as bad as the risk, the one in the best language."""
    infos = list(alert.infos)
    if risk is not None and risk.info_indexes:
        covering = [infos[index] for index in risk.info_indexes]
        holding = [
            info for info in covering if not says_over(info) and ends_epoch_s(info, alert.listed_epoch_s) > now_epoch_s
        ]
        infos = holding or covering
        worst = max(LEVELS.index(level_of(info)) for info in infos)
        infos = [info for info in infos if LEVELS.index(level_of(info)) == worst]
    if not infos:
        return None
    best = infos[languages.best(wanted, [info.language for info in infos])]
    same = [info for info in infos if info.language.lower() == best.language.lower()]
    return max(same, key=lambda info: SEVERITY_RANK[info.severity])


class _Words:
    """The phrases of the best language there is, and local times in it."""

    def __init__(self, wanted: Sequence[str], zone: tzinfo, now_epoch_s: float) -> None:
        tags = sorted(catalogues())
        self.language = tags[languages.best(wanted, tags)]
        self._words: dict[str, Any] = {**catalogues()[DEFAULT], **catalogues()[self.language]}
        self._zone = zone
        self.now_epoch_s = now_epoch_s

    def say(self, key: str, **values: object) -> str:
        text: str = self._words[key]
        return text.format(**values)

    def has(self, key: str) -> bool:
        return key in self._words

    def time(self, epoch_s: int) -> str:
        """Local time; with the weekday when it is not today, with the date when it is far."""
        told = spoken_time(epoch_s, self.now_epoch_s, self._zone)
        return self.say(
            told.way,
            hour=told.hour,
            minute=told.minute,
            day=told.day,
            weekday=self._words["weekdays"][told.weekday],
            month=self._words["months"][told.month - 1],
        )


def _event(info: AlertInfo | None, words: _Words, foreign: bool) -> str:
    """What is happening, as the issuer calls it; before a foreign name, its class in the resident's language."""
    known = [key for name in (info.categories if info else ()) if words.has(key := f"category_{name}")]
    category = words.say(known[0] if known else "category_Other")
    event = plain(info.event) if info is not None else ""
    if not event:
        return category
    return f"{category}: {event}" if foreign else event


def _body(alert: Alert, info: AlertInfo, level: RiskLevel, where: str, words: _Words, foreign: bool) -> str:
    """Place, level and times always; then what to do; what is left of the room goes to the headline between them."""
    fixed = words.say("where_how", place=where, level=words.say(f"level_{level.value}"))
    when = _when(alert, info, words)
    fixed = f"{fixed} {when}" if when else fixed
    responses = [key for name in info.response_types if words.has(key := f"response_{name}")]
    action = words.say(responses[0]) if responses else ""
    instruction, headline = plain(info.instruction), plain(info.headline)
    if headline.casefold() == plain(info.event).casefold():
        headline = ""
    if not headline and not instruction:
        headline = plain(info.description)
    if foreign:
        text = whole_sentences(" ".join(part for part in (headline, instruction) if part), BODY_MOST)
        parts = [fixed, action]
        if text:
            parts.append(words.say("original", language=info.language or "?", text=text))
        return _fitted(parts)
    room = BODY_MOST - len(fixed) - 1
    act = whole_sentences(instruction or action, max(room if not headline else room * 2 // 3, 0))
    left = room - len(act) - 1
    head = _full_stop(cut(headline, left - 1)) if headline and left > min(HEADLINE_LEAST, len(headline)) else ""
    if not head:
        act = whole_sentences(instruction or action, max(room, 0))
    return _fitted([fixed, head, act])


def _fitted(parts: Sequence[str]) -> str:
    return cut(" ".join(part for part in parts if part), BODY_MOST)


def _full_stop(text: str) -> str:
    return text if not text or text[-1] in ".!?…。！？" else f"{text}."


def _when(alert: Alert, info: AlertInfo, words: _Words) -> str:
    """From when until when; silent about an end that only our policy set."""
    start = info.onset_epoch_s if info.onset_epoch_s > words.now_epoch_s else 0
    end = ends_epoch_s(info, alert.listed_epoch_s)
    said = info.expires_epoch_s > max(info.onset_epoch_s, info.effective_epoch_s) or any(
        name == "eventEndingTime" for name, _ in info.parameters
    )
    if start and said:
        return words.say("from_until", start=words.time(start), end=words.time(end))
    if start:
        return words.say("from", start=words.time(start))
    return words.say("until", end=words.time(end)) if said else ""


_OVER_TITLES = {"cancelled": "title_all_clear", "passed": "title_all_clear", "milder": "title_update"}


def _why_over(alert: Alert, risk: Risk | None) -> str:
    if alert.superseded_by:
        return "elsewhere"
    if alert.state is AlertState.IN_FORCE:
        if risk is None or not risk.info_indexes:
            return "elsewhere"
        if risk.level is not RiskLevel.NONE:
            return "milder"
        return "passed" if any(says_over(alert.infos[index]) for index in risk.info_indexes) else "expired"
    return alert.state.value

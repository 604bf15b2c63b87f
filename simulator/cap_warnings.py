"""The model town's civil warnings, as CAP 1.2 messages under an Atom index.

A flood at the river comes, grows and is called off, over and over; an Exercise is always there and must reach nobody.
Which messages exist depends only on the instant the town was opened and the instant one asks for.
Source: OASIS Common Alerting Protocol 1.2 §3.2 (elements and their order), RFC 4287 (Atom).
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulator.streets import lat_lon, river_bank

CAP_NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
SENDER = "warnings@safety.larkhaven.example"
SENDER_NAME = "Larkhaven Office of Public Safety"

Ring = tuple[tuple[float, float], ...]
"""(latitude, longitude) pairs in CAP's order, closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How fast the flood story runs, in seconds after the town was opened, and after how long it begins again."""

    alert_after_s: float = 0.0
    update_after_s: float = 90.0
    cancel_after_s: float = 300.0
    repeat_after_s: float = 480.0

    def __post_init__(self) -> None:
        steps = (self.alert_after_s, self.update_after_s, self.cancel_after_s, self.repeat_after_s)
        if self.alert_after_s < 0 or list(steps) != sorted(set(steps)):
            raise ValueError(f"a warning's steps must follow one another: alert, update, cancel, repeat; got {steps}")


@dataclass(frozen=True, slots=True)
class CapMessage:
    """One CAP message as published."""

    identifier: str
    sent_at: datetime
    msg_type: str
    status: str
    title: str
    xml: bytes


@dataclass(frozen=True, slots=True)
class _Text:
    """What an <info> says in one language."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    area: str


@dataclass(frozen=True, slots=True)
class _Step:
    msg_type: str
    urgency: str
    severity: str
    certainty: str
    response: str
    ring: Ring
    texts: tuple[_Text, ...]
    category: str = "Met"
    status: str = "Actual"


def river_quarter(first_row: float, last_row: float, west: float, east: float) -> Ring:
    """The ground along the river between two rows, so many blocks to each side; clockwise from the south-west."""
    count = 12
    rows = [first_row + (last_row - first_row) * part / count for part in range(count + 1)]
    line = [river_bank(row, -1, west) for row in rows] + [river_bank(row, 1, east) for row in reversed(rows)]
    ring = [lat_lon(point) for point in line]
    return (*ring, ring[0])


FLOODED = river_quarter(7.5, 14.5, 2.2, 2.4)
FLOODED_MORE = river_quarter(5.5, 20.5, 3.6, 3.4)
HARBOUR = river_quarter(-2.0, 3.0, 4.5, 6.0)

_FLOOD = (
    _Step("Alert", "Immediate", "Severe", "Observed", "Evacuate", FLOODED, (
        _Text("en", "Flood", "Flood warning for the river quarter",
              "The Lark has risen above its banks between Heron Street and Osprey Street. "
              "Streets along the river are under water.",
              "Leave cellars and underpasses. Do not drive through water. Follow the signs to higher ground.",
              "River quarter, from Heron Street to Osprey Street"),
        _Text("vi", "Lũ lụt", "Cảnh báo lũ cho khu ven sông",
              "Nước sông Lark đã tràn bờ giữa phố Heron và phố Osprey. Các phố ven sông ngập nước.",
              "Rời khỏi tầng hầm và đường hầm. Không lái xe qua vùng ngập. Đi theo biển chỉ đường lên nơi cao.",
              "Khu ven sông, từ phố Heron đến phố Osprey"),
    )),
    _Step("Update", "Immediate", "Severe", "Observed", "Evacuate", FLOODED_MORE, (
        _Text("en", "Flood", "Flood warning enlarged: river quarter and both banks up to Turnstone Street",
              "The Lark keeps rising. The flooded ground now reaches from Finch Street to Turnstone Street "
              "and up to four blocks from the river.",
              "Leave cellars and underpasses now. Do not cross the bridges on foot. Help neighbours who need it.",
              "River quarter and both banks, from Finch Street to Turnstone Street"),
        _Text("vi", "Lũ lụt", "Mở rộng cảnh báo lũ: khu ven sông và hai bờ đến phố Turnstone",
              "Nước sông Lark tiếp tục dâng. Vùng ngập nay kéo dài từ phố Finch đến phố Turnstone "
              "và cách sông đến bốn dãy phố.",
              "Rời khỏi tầng hầm và đường hầm ngay. Không đi bộ qua cầu. Hãy giúp hàng xóm cần hỗ trợ.",
              "Khu ven sông và hai bờ, từ phố Finch đến phố Turnstone"),
    )),
    _Step("Cancel", "Past", "Minor", "Observed", "AllClear", FLOODED_MORE, (
        _Text("en", "Flood", "All clear: the flood warning for the river quarter has ended",
              "The Lark is back between its banks. The warning is cancelled.",
              "Streets may still be slippery. Report damage to the town hall.",
              "River quarter and both banks, from Finch Street to Turnstone Street"),
        _Text("vi", "Lũ lụt", "Hết nguy hiểm: cảnh báo lũ cho khu ven sông đã chấm dứt",
              "Nước sông Lark đã rút. Cảnh báo được hủy bỏ.",
              "Đường có thể còn trơn. Xin báo thiệt hại cho tòa thị chính.",
              "Khu ven sông và hai bờ, từ phố Finch đến phố Turnstone"),
    )),
)  # fmt: skip

_EXERCISE = _Step("Alert", "Immediate", "Extreme", "Likely", "Evacuate", HARBOUR, (
    _Text("en", "Storm surge", "EXERCISE: storm surge in the harbour",
          "This is an exercise. Harbour staff practise closing the flood gates. There is no danger.",
          "No action is needed.", "Harbour"),
    _Text("vi", "Nước dâng do bão", "DIỄN TẬP: nước dâng do bão tại cảng",
          "Đây là diễn tập. Nhân viên cảng tập đóng cửa ngăn lũ. Không có nguy hiểm.",
          "Không cần làm gì.", "Khu cảng"),
), status="Exercise")  # fmt: skip


@dataclass(frozen=True, slots=True)
class WarningStory:
    """All CAP messages of a town that was opened at *started_at* (aware)."""

    started_at: datetime
    cadence: Cadence = Cadence()

    def messages_at(self, now: datetime) -> tuple[CapMessage, ...]:
        """The messages published at an instant, oldest first: the Exercise, this round and the one before."""
        messages = [self._exercise()]
        elapsed_s = (now - self.started_at).total_seconds()
        this_round = int(elapsed_s // self.cadence.repeat_after_s)
        for number in range(max(this_round - 1, 0), this_round + 1):
            messages.extend(message for message in self._flood(number) if message.sent_at <= now)
        return tuple(messages)

    def message(self, identifier: str, now: datetime) -> CapMessage | None:
        """The message with this identifier, if it is published at an instant."""
        return next((message for message in self.messages_at(now) if message.identifier == identifier), None)

    def _exercise(self) -> CapMessage:
        sent_at = _whole_second(self.started_at - timedelta(days=1))
        return _publish(_EXERCISE, f"LRK-EX-{sent_at:%Y%m%d%H%M%S}", sent_at, timedelta(days=8), ())

    def _flood(self, number: int) -> list[CapMessage]:
        opened = self.started_at + timedelta(seconds=number * self.cadence.repeat_after_s)
        after_s = (self.cadence.alert_after_s, self.cadence.update_after_s, self.cadence.cancel_after_s)
        messages: list[CapMessage] = []
        for part, (step, seconds) in enumerate(zip(_FLOOD, after_s, strict=True), start=1):
            sent_at = _whole_second(opened + timedelta(seconds=seconds))
            identifier = f"LRK-FLOOD-{_whole_second(opened):%Y%m%d%H%M%S}-{part}"
            messages.append(_publish(step, identifier, sent_at, timedelta(hours=2), tuple(messages)))
        return messages


def _whole_second(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)


def _cap_time(instant: datetime) -> str:
    """CAP §3.3.2: no Z for UTC but -00:00."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S-00:00")


def _publish(
    step: _Step, identifier: str, sent_at: datetime, lasts: timedelta, earlier: tuple[CapMessage, ...]
) -> CapMessage:
    alert = ET.Element("alert", xmlns=CAP_NAMESPACE)

    def put(parent: ET.Element, name: str, text: str) -> None:
        ET.SubElement(parent, name).text = text

    put(alert, "identifier", identifier)
    put(alert, "sender", SENDER)
    put(alert, "sent", _cap_time(sent_at))
    put(alert, "status", step.status)
    put(alert, "msgType", step.msg_type)
    put(alert, "scope", "Public")
    if step.status == "Exercise":
        put(alert, "note", "Yearly exercise of the harbour's flood gates")
    if earlier:
        put(alert, "references", " ".join(f"{SENDER},{old.identifier},{_cap_time(old.sent_at)}" for old in earlier))
    for text in step.texts:
        info = ET.SubElement(alert, "info")
        put(info, "language", text.language)
        put(info, "category", step.category)
        put(info, "event", text.event)
        put(info, "responseType", step.response)
        put(info, "urgency", step.urgency)
        put(info, "severity", step.severity)
        put(info, "certainty", step.certainty)
        put(info, "effective", _cap_time(sent_at))
        put(info, "expires", _cap_time(sent_at + lasts))
        put(info, "senderName", SENDER_NAME)
        put(info, "headline", text.headline)
        put(info, "description", text.description)
        put(info, "instruction", text.instruction)
        put(info, "web", "https://safety.larkhaven.example/flood")
        area = ET.SubElement(info, "area")
        put(area, "areaDesc", text.area)
        put(area, "polygon", " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude in step.ring))
    xml = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return CapMessage(identifier, sent_at, step.msg_type, step.status, step.texts[0].headline, xml)


def atom_index(entries: tuple[CapMessage, ...], base_url: str, updated_at: datetime, title: str) -> bytes:
    """The Atom feed that lists *entries*, newest first, each linked to ``{base_url}/cap/{identifier}.cap``."""
    feed = ET.Element("feed", xmlns=ATOM_NAMESPACE)

    def put(parent: ET.Element, name: str, text: str) -> None:
        ET.SubElement(parent, name).text = text

    put(feed, "id", f"{base_url}/cap/index.atom")
    put(feed, "title", title)
    put(feed, "updated", _atom_time(updated_at))
    ET.SubElement(feed, "link", rel="self", type="application/atom+xml", href=f"{base_url}/cap/index.atom")
    put(ET.SubElement(feed, "author"), "name", SENDER_NAME)
    for message in sorted(entries, key=lambda message: message.sent_at, reverse=True):
        entry = ET.SubElement(feed, "entry")
        put(entry, "id", message.identifier)
        put(entry, "title", message.title)
        put(entry, "updated", _atom_time(message.sent_at))
        put(entry, "published", _atom_time(message.sent_at))
        ET.SubElement(
            entry,
            "link",
            rel="alternate",
            type="application/cap+xml",
            href=f"{base_url}/cap/{message.identifier}.cap",
        )
        put(entry, "summary", f"{message.status} {message.msg_type}: {message.title}")
    return bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))


def _atom_time(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Names of a timetable in the reader's language, where its translations.txt has them. Source: GTFS, translations.txt."""

from weakref import WeakKeyDictionary

from domain.errors import BundleUnusable
from domain.spelling import fold
from store.timetable import Bundle

_KEPT: WeakKeyDictionary[Bundle, dict[str, dict[str, dict[str, str]]]] = WeakKeyDictionary()


def _translations(bundle: Bundle, language: str, field: str) -> dict[str, str]:
    if bundle not in _KEPT:
        try:
            _KEPT[bundle] = bundle.translations()
        except BundleUnusable:
            _KEPT[bundle] = {}
    return _KEPT[bundle].get(language, {}).get(field, {})


def name_in(language: str, bundle: Bundle, field: str, text: str, record_id: str = "") -> str:
    """*text* in that language, or as it is. *field* is such as ``stops.stop_name``; *record_id* is the raw id."""
    known = _translations(bundle, language, field)
    return (record_id and known.get(f"#{record_id}")) or known.get(text) or text


def rows_by_name(language: str, bundle: Bundle, query: str) -> set[int]:
    """Stops whose name in that language has every word of the query, accents aside."""
    wanted = fold(query).split()
    known = _translations(bundle, language, "stops.stop_name")
    if not wanted:
        return set()
    ids = [key[1:] for key, told in known.items() if key.startswith("#") and all(word in fold(told) for word in wanted)]
    return {row for raw_id in ids if (row := bundle.stop_ids.index(raw_id)) is not None}

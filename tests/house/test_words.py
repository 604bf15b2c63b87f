"""Every language says everything the pages say, with the same blanks to fill in."""

import re

import pytest

from api.endpoints.explain import DECISIONS
from api.pages.words import DEFAULT, catalogues
from domain.arrival import Source
from domain.feed import PollOutcome
from domain.feed_health import HEALTH_CODES
from feeds.formats import phrases as warnings
from notify import phrases as phones
from predictor.learned.errors import EXPERTS
from predictor.learned.hours import DayType


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_a_catalogue_is_complete(language: str) -> None:
    """The same keys and the same placeholders as English."""
    blanks = re.compile(r"\{\w+\}")
    english = {key: sorted(blanks.findall(text)) for key, text in catalogues()[DEFAULT].items()}
    told = catalogues()[language].items()
    there = {key: sorted(blanks.findall(text)) for key, text in told if not key.startswith(("why.", "todo."))}
    assert there == english


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_a_catalogue_has_words_for_every_end_of_a_poll(language: str) -> None:
    told = {key.removeprefix("outcome.") for key in catalogues()[language] if key.startswith("outcome.")}
    assert told == {outcome.value for outcome in PollOutcome}


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_a_catalogue_has_words_for_all_that_the_page_why_can_name(language: str) -> None:
    """Decisions, sources, experts and types of day that are added or renamed get words here."""
    for prefix, names in (
        ("because.decision.", set(DECISIONS)),
        ("because.source.", {source.value for source in Source}),
        ("because.expert.", set(EXPERTS)),
        ("because.hour.", {day.name.lower() for day in DayType}),
    ):
        told = {key.removeprefix(prefix) for key in catalogues()[language] if key.startswith(prefix)}
        assert told == names


@pytest.mark.parametrize("language", sorted(set(catalogues()) - {DEFAULT}))
def test_a_catalogue_has_words_for_every_judgement_on_a_feed(language: str) -> None:
    """English has them from the judge itself."""
    told = catalogues()[language]
    assert {key.removeprefix("why.") for key in told if key.startswith("why.")} == set(HEALTH_CODES)
    assert {key.removeprefix("todo.") for key in told if key.startswith("todo.")} <= set(HEALTH_CODES)


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_phones_and_pages_tell_times_alike(language: str) -> None:
    """A warning's end reads the same in the notification as on the page it leads to."""
    page, phone = catalogues()[language], phones.catalogues()[language]
    ways = ("time", "time_on_day", "time_on_date")
    assert [page[way] for way in ways] == [phone[way] for way in ways]
    assert [page[f"weekday.{number}"] for number in range(7)] == phone["weekdays"]
    assert [page[f"month.{number}"] for number in range(1, 13)] == phone["months"]


def test_our_own_warnings_are_told_in_every_language() -> None:
    """English first, as whoever knows no language of ours reads the first."""
    told = warnings.catalogues()
    assert set(told) == set(catalogues()) == set(phones.catalogues())
    assert next(iter(told)) == DEFAULT
    blanks = re.compile(r"\{.*?\}")
    for words in told.values():
        assert {key: blanks.findall(text) for key, text in words.items()} == {
            key: blanks.findall(text) for key, text in told[DEFAULT].items()
        }

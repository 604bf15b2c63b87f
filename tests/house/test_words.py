"""Every language says everything the pages say, with the same blanks to fill in."""

import re

import pytest

from api.pages.words import DEFAULT, catalogues
from domain.feed import HEALTH_CODES


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_a_catalogue_is_complete(language: str) -> None:
    """The same keys and the same placeholders as English."""
    blanks = re.compile(r"\{\w+\}")
    english = {key: sorted(blanks.findall(text)) for key, text in catalogues()[DEFAULT].items()}
    told = catalogues()[language].items()
    there = {key: sorted(blanks.findall(text)) for key, text in told if not key.startswith(("why.", "todo."))}
    assert there == english


@pytest.mark.parametrize("language", sorted(set(catalogues()) - {DEFAULT}))
def test_a_catalogue_has_words_for_every_judgement_on_a_feed(language: str) -> None:
    """English has them from the judge itself."""
    told = catalogues()[language]
    assert {key.removeprefix("why.") for key in told if key.startswith("why.")} == set(HEALTH_CODES)
    assert {key.removeprefix("todo.") for key in told if key.startswith("todo.")} <= set(HEALTH_CODES)

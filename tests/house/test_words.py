"""Every language says everything the pages say, with the same blanks to fill in."""

import re

import pytest

from api.pages.words import DEFAULT, catalogues


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_a_catalogue_is_complete(language: str) -> None:
    """The same keys and the same placeholders as English."""
    blanks = re.compile(r"\{\w+\}")
    english = {key: sorted(blanks.findall(text)) for key, text in catalogues()[DEFAULT].items()}
    there = {key: sorted(blanks.findall(text)) for key, text in catalogues()[language].items()}
    assert there == english

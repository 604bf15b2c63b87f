"""Which of a notice's texts is told."""

import pytest

from domain.situation import Translation, in_language


def said(*tags: str) -> tuple[Translation, ...]:
    return tuple(Translation(text=f"text {row}", language=tag) for row, tag in enumerate(tags))


@pytest.mark.parametrize(
    ("tags", "language", "row"),
    [
        pytest.param(("de", "en"), "en", 1, id="the language"),
        pytest.param(("en", "en-GB"), "en-GB", 1, id="of the very place"),
        pytest.param(("de", "EN-us"), "en", 1, id="of another place"),
        pytest.param(("de", ""), "en", 1, id="of no language"),
        pytest.param(("de", "en"), "vi", 1, id="English where there is none"),
        pytest.param(("fr", "de"), "vi", 0, id="the first"),
        pytest.param(("en-html", "en"), "en", 1, id="plain"),
        pytest.param(("en-html", "en"), "en-US", 1, id="plain, of another place"),
        pytest.param(("en-html",), "en", 0, id="marked up where there is no other"),
        pytest.param(("en", "en"), "en", 0, id="said twice"),
    ],
)
def test_text_in_a_language(tags: tuple[str, ...], language: str, row: int) -> None:
    assert in_language(said(*tags), language).text == f"text {row}"


def test_no_text_is_blank() -> None:
    assert in_language((), "en") == Translation(text="")

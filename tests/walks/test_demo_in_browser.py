"""The demo as people see it: a resident watches a place and looks at the phone; an operator makes a feed sick."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.walks.house import House, eventually, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[House]:
    """``wayside demo``; not started where there is no browser."""
    with running(tmp_path_factory.mktemp("home"), "demo") as house:
        eventually(lambda: house.token, 120, "the demo says where it is")
        yield house


def test_a_place_watched_on_the_page_is_warned_on_the_phone(town: House, browser: Browser) -> None:
    """A resident in the flooded quarter; the Exercise in the harbour never arrives, though the place touches it too."""

    def flood() -> dict[str, Any] | None:
        found = town.get("/api/v1/alerts.geojson")["features"]
        return next((each for each in found if each["properties"]["event"] == "Flood" and each["geometry"]), None)

    ring = eventually(flood, 60, "a flood in force")["geometry"]["coordinates"][0][0]
    lon, lat = (sum(point[axis] for point in ring) / len(ring) for axis in (0, 1))
    page = browser.new_page(locale="vi")
    page.goto(f"{town.base}/?lat={lat}&lon={lon}")
    page.locator("#place button").click()
    expect(page.locator("#place [role=status]")).to_contain_text("Xong")
    page.locator("#place a").click()
    expect(page.locator("li").first).to_contain_text("Lũ lụt", timeout=PATIENCE_MS)
    assert "DIỄN TẬP" not in page.locator("main").inner_text()
    page.close()


def test_each_button_makes_its_feed_sick_and_well_again(town: House, browser: Browser) -> None:
    """503, garbage and silence turn a row at once and say why; well again, it recovers. (A clock that stands still is
    late after three polls, once ten headers were seen: the rules of ``assess`` hold that.)"""
    page = browser.new_page(locale="en", viewport={"width": 1280, "height": 900})
    page.goto(town.base + "/operations")
    page.locator("#token").fill(town.token)
    page.locator("main button").click()
    sick = {
        "trip-updates": ("503", "its server has an error (HTTP 503"),
        "vehicle-positions": ("garbage", "what it sends is not the format"),
        "situations": ("silence", "it does not answer in time"),
    }

    def row(feed: str) -> Any:
        return page.locator("li.feed", has=page.get_by_role("link", name=feed, exact=True))

    def press(feed: str, kind: str) -> None:
        page.locator(f"[formaction$='/sick/{feed.replace('-', '_')}/{kind}']").click()

    for feed, (kind, _) in sick.items():
        press(feed, kind)
    for feed, (kind, why) in sick.items():
        expect(row(feed)).to_contain_text(why, timeout=PATIENCE_MS)
        pressed = page.locator(f"[formaction$='/sick/{feed.replace('-', '_')}/{kind}']")
        expect(pressed).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    assert page.title().startswith("(3) ")
    first_three = page.locator("li.feed h2").all_inner_texts()[:3]
    assert set(first_three) == set(sick)
    for feed in sick:
        press(feed, "well")
    for feed in sick:
        expect(row(feed)).to_contain_text("It is fresh and good.", timeout=PATIENCE_MS)
    page.close()

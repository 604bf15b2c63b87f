"""The pages in a real Chromium: what a rider, a keyboard, a screen reader and a dead network make of them."""

from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.api.pages.site import STOP, TOKEN, Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WHY = "/why?stop=1_mid&trip=1_t1"
OPERATORS = ("/operations", "/operations/feeds/notices", "/operations/feeds/civil")


def pages(site: Site) -> list[str]:
    return [
        "/",
        "/?q=middle",
        STOP,
        f"/warnings/{site.alert.alert_id}",
        "/stops/1_nowhere",
        "/docs",
        "/accuracy",
        WHY,
        *OPERATORS,
    ]


def opened(site: Site, page: Page, path: str) -> None:
    """The page, its scripts at work."""
    page.goto(site.base + path)
    until(page, "!document.querySelector('.map[hidden]')")


def until(page: Page, expression: str) -> None:
    """Ask the page until it is so, for half a minute.

    Asked from outside each time: where Playwright's own waiting has to ask twice, it evaluates the expression from within
    the page, which the page's Content-Security-Policy rightly forbids.
    """
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"still not so on {page.url}: {expression}")


def sign_in(site: Site, context: BrowserContext) -> None:
    context.add_cookies([{"name": "wayside_operator", "value": TOKEN, "url": site.base}])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "language"), [(390, "vi"), (1280, "en")])
def test_axe_finds_nothing(
    site: Site, browser: Browser, width: int, language: str, scheme: Literal["light", "dark"]
) -> None:
    """Every page keeps the machine-checkable part of WCAG 2.2 AA: contrast, names, landmarks, target size."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, locale=language)
    page = context.new_page()
    found = {}
    for path in ("/operations", *pages(site)):
        opened(site, page, path)
        sign_in(site, context)
        page.evaluate(AXE)
        result = page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
        found[path] = [
            (rule["id"], [node["html"][:200] for node in rule["nodes"]], rule["help"]) for rule in result["violations"]
        ]
        assert result["passes"], path
    context.close()
    assert found == {path: [] for path in found}


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_the_screen(site: Site, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    sign_in(site, context)
    page = context.new_page()
    for path in pages(site):
        opened(site, page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


@pytest.mark.parametrize("language", ["en", "vi"])
def test_no_table_is_cut_off_on_a_phone(site: Site, browser: Browser, language: str) -> None:
    """But those of the API's description, which are for programmers."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale=language)
    sign_in(site, context)
    page = context.new_page()
    cut = {}
    for path in (path for path in pages(site) if path != "/docs"):
        opened(site, page, path)
        cut[path] = page.evaluate(
            """[...document.querySelectorAll("table")].filter((each) => each.checkVisibility()
            && each.scrollWidth > each.closest("div, section").clientWidth).map((each) => each.innerText)"""
        )
    context.close()
    assert cut == {path: [] for path in cut}


def test_nothing_is_asked_of_other_hosts_and_no_script_fails(site: Site, browser: Browser) -> None:
    """The simulator at a dead address aside: that is the demo's own, and its absence is borne."""
    context = browser.new_context()
    sign_in(site, context)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "ecurity" in message.text else None)
    for path in pages(site):
        opened(site, page, path)
        if page.locator(".map").count():
            until(page, "performance.getEntriesByType('resource').some((each) => each.name.includes('live.json'))")
    context.close()
    assert len(asked) > 20
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} <= {
        site.base.split("/")[2],
        "127.0.0.1:9",
    }
    assert said == []


def test_the_map_shows_vehicles_and_warnings(site: Site, browser: Browser) -> None:
    """What the canvas is given to draw, and that it is drawn: the ground under the warning is not the plain ground."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    with page.expect_response("**/map/live.json*") as answer:
        page.goto(site.base + STOP)
    live = answer.value.json()
    assert [vehicle["name"] for vehicle in live["vehicles"]] == ["10"]
    assert [feature["properties"]["event"] for feature in live["warnings"]["features"]] == ["Flood"]
    until(
        page,
        """() => { const canvas = document.querySelector(".map canvas");
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Set(); for (let at = 0; at < data.length; at += 404) seen.add(data.slice(at, at + 3).join());
        return seen.size > 8; }""",
    )
    page.close()


def test_tiles_are_asked_for_where_they_are_configured_and_named(tiled_site: Site, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, service_workers="block")
    with page.expect_response("**/static/tiles/icon.svg?tile=*") as answer:
        page.goto(tiled_site.base + "/")
    assert answer.value.ok
    level, column, row = (int(part) for part in answer.value.url.partition("tile=")[2].split("-"))
    assert level == 14
    assert 0 <= column < 2**level
    assert 0 <= row < 2**level
    expect(page.locator(".map .tiles")).to_have_text("© The surveyors")
    page.close()


def test_a_keyboard_alone_finds_a_stop_and_keeps_it(site: Site, browser: Browser) -> None:
    """Search, open, favourite, and find it again on the first page, without a mouse."""
    page = browser.new_page(locale="en")
    opened(site, page, "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
    page.keyboard.type("1002")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=1002#find")
    page.locator("a.stop").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/stops/1_mid")
    page.locator("#favourite").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#favourite")).to_have_attribute("aria-pressed", "true")
    opened(site, page, "/")
    expect(page.locator("#favourites a")).to_have_attribute("href", "/stops/1_mid")
    page.locator(".map canvas").focus()
    with page.expect_response("**part=nearby*"):
        page.keyboard.press("ArrowUp")
    page.close()


def test_without_a_place_from_the_device_the_page_says_so(site: Site, browser: Browser) -> None:
    context = browser.new_context(locale="en", permissions=[])
    page = context.new_page()
    opened(site, page, "/")
    page.locator("#near").click(timeout=5000)
    expect(page.locator("#near-status")).to_contain_text("did not say where you are")
    expect(page.locator("#nearby a.stop").first).to_be_visible()
    context.close()


def test_a_place_from_the_device_lists_the_stops_there(site: Site, browser: Browser) -> None:
    context = browser.new_context(
        locale="en", permissions=["geolocation"], geolocation={"latitude": 44.60, "longitude": -63.5}
    )
    page = context.new_page()
    opened(site, page, "/")
    page.locator("#near").click(timeout=5000)
    expect(page.locator("#nearby .stop-name").first).to_have_text("Pier")
    context.close()


def test_who_wants_less_motion_gets_none(site: Site, browser: Browser) -> None:
    motions: dict[Literal["no-preference", "reduce"], int] = {"no-preference": 1, "reduce": 0}
    for motion, count in motions.items():
        page = browser.new_page(reduced_motion=motion)
        opened(site, page, STOP)
        moving = "[...document.querySelectorAll('.live')].filter(each => getComputedStyle(each, '::before').animationName !== 'none').length"
        assert page.evaluate(moving) == count, motion
        page.close()


def test_a_screen_reader_hears_of_what_is_new_only(site: Site, browser: Browser) -> None:
    """Times change all the time: no live region holds one."""
    page = browser.new_page()
    opened(site, page, STOP)
    regions = page.locator("[role=status], [role=alert], [aria-live]:not([aria-live=off])")
    assert page.evaluate("document.querySelectorAll('[role=status] [data-at], [aria-live] [data-at]').length") == 0
    assert [text.strip() for text in regions.all_text_contents()] == [""] * regions.count()
    page.close()


def test_when_the_network_is_gone_the_last_known_times_are_shown_with_their_age(
    lonely_site: Site, browser: Browser
) -> None:
    """The site goes away: the open page says so and claims nothing live; so does the page when it is opened again."""
    site = lonely_site
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.goto(site.base + STOP)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    until(page, "caches.match(location.href, { ignoreVary: true }).then((kept) => Boolean(kept))")
    expect(page.locator(".arrival .live")).to_have_count(1)
    site.stop()
    page.evaluate("dispatchEvent(new Event('online'))")  # renew now, not in ten seconds
    expect(page.locator("#offline")).to_contain_text("No connection. This was last known")
    expect(page.locator(".arrival .live")).to_have_count(0)
    page.goto(site.base + STOP)
    expect(page.locator("#offline")).to_contain_text("No connection. This was last known")
    expect(page.locator(".arrival").first).to_contain_text("last known")
    expect(page.locator(".arrival .live")).to_have_count(0)
    assert page.locator(".arrival").count() == 4
    context.close()


def test_the_page_that_says_why_is_renewed_and_says_when_it_is_old(lonely_site: Site, browser: Browser) -> None:
    """It asks again by itself; when the site goes away it claims nothing live, neither open nor opened again."""
    site = lonely_site
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.goto(site.base + STOP)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.goto(site.base + WHY)
    until(page, "caches.match(location.href, { ignoreVary: true }).then((kept) => Boolean(kept))")
    expect(page.locator("#why .live")).to_have_text("A live prediction is shown.")
    page.evaluate("document.querySelector('#why h1').textContent = 'Why 00:00?'")
    page.evaluate("dispatchEvent(new Event('online'))")  # renew now, not in a quarter of a minute
    expect(page.locator("#why h1")).to_have_text("Why 08:13?")
    expect(page.locator("#offline")).to_be_hidden()
    site.stop()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#offline")).to_contain_text("No connection. This was last known")
    expect(page.locator("#why .live")).to_have_count(0)
    page.goto(site.base + WHY)
    expect(page.locator("#offline")).to_contain_text("No connection. This was last known")
    expect(page.locator("#why")).to_contain_text("last known")
    expect(page.locator("#why .live")).to_have_count(0)
    context.close()


@pytest.mark.parametrize(("width", "language", "words"), [(390, "vi", "Báo cho tôi"), (1280, "en", "Warn me")])
def test_to_be_warned_is_one_step_from_the_top(
    site: Site, browser: Browser, width: int, language: str, words: str
) -> None:
    """However long the board is: a link on the first screen, for fingers and keys, that leads to the button."""
    context = browser.new_context(viewport={"width": width, "height": 844}, locale=language)
    page = context.new_page()
    opened(site, page, STOP)
    link = page.get_by_role("link", name=words, exact=True)
    expect(link).to_be_in_viewport()
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#place button")).to_be_in_viewport()
    context.close()

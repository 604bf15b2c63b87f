"""What the server renders, without a browser."""

import re

import httpx
import pytest

from api.pages.words import catalogues
from tests.api.pages.site import STOP, TOKEN, Site


def get(site: Site, path: str, **headers: str) -> httpx.Response:
    return httpx.get(site.base + path, headers=headers, cookies={"wayside_operator": TOKEN})


def paths(site: Site) -> list[str]:
    warning = f"/warnings/{site.alert.alert_id}"
    operators = ["/operations", "/operations/feeds/notices", "/operations/feeds/civil", "/operations/feeds/nothing"]
    return [
        "/",
        "/?q=middle",
        "/?q=zzz",
        STOP,
        "/stops/1_CENTRAL",
        "/accuracy",
        "/why?stop=1_mid&trip=1_t1",
        "/stops/1_nowhere",
        warning,
        *operators,
    ]


def rows(html: str) -> list[str]:
    """The words of each departure of a board."""
    items = re.findall(r'<li class="arrival.*?</li>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


def test_a_board_tells_live_scheduled_skipped_and_cancelled_apart_in_words(site: Site) -> None:
    """Yesterday's run of the second is still under way and in the flood: today's is not."""
    assert rows(get(site, STOP).text) == [
        "10 Central 8 min 08:13 Live: 3 min late · Why? ⚠ Runs through a warning area: Flood",
        "10 Central 17 min 08:22 Timetable only: no live position · Why?",
        "10 Central Does not stop here 08:25 planned 08:25 · Why?",
        "10 Central Cancelled 08:40 planned 08:40 · Why?",
    ]


def test_a_list_of_stops_never_offers_what_does_not_come(site: Site) -> None:
    """At ``mid`` the two that come are listed; the skipped and the cancelled ones are not."""
    html = get(site, "/?q=1002&part=nearby").text
    assert re.findall(r'<b data-at="\d+">([^<]*)</b> <span class="(\w+)">', html) == [
        ("8 min", "live"),
        ("17 min", "planned"),
    ]


def test_names_are_told_in_the_readers_language_and_found_in_it(site: Site) -> None:
    """Where the schedule has translations; typed without accents too. Who reads English sees the name as it is."""
    found = get(site, "/?q=pho+giua&part=nearby&lang=vi").text
    assert re.findall(r'<span class="stop-name">(.*?)</span>', found) == ["Phố Giữa"]
    assert "</span> Trung tâm</span>" in found
    assert "<h1>Middle Street</h1>" in get(site, STOP + "?lang=en").text


def test_a_name_typed_wrong_is_still_found(site: Site) -> None:
    found = get(site, "/?q=midle+stret&part=nearby").text
    assert re.findall(r'<span class="stop-name">(.*?)</span>', found)[:2] == ["Middle Street", "Middle Street (south)"]


def test_a_notice_that_closes_the_stop_is_open_and_red(site: Site) -> None:
    html = get(site, STOP + "?lang=vi").text
    assert '<details class="banner bad" open><summary lang="vi">Trạm đóng</summary>' in html


def test_notices_about_the_lines_stand_below_the_board(site: Site) -> None:
    """Shut, and under their own heading; elsewhere nothing is said of them."""
    html = get(site, STOP + "?lang=en").text
    found = re.findall(r"<h2>(.*?)</h2>|<summary[^>]*>(.*?)</summary>", html)
    assert found == [
        ("", "Stop closed"),
        ("Next departures", ""),
        ("About these lines", ""),
        ("", "Detour by the mill"),
    ]
    assert "Detour by the mill" not in get(site, "/stops/1_C2?lang=en&minutes=25").text  # only the hill's line by then


def test_an_exercise_is_not_among_the_warnings(site: Site) -> None:
    assert re.findall(r'data-warning="([^"]*)"', get(site, "/").text) == [site.alert.alert_id]


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_every_page_is_whole_in_every_language(site: Site, language: str) -> None:
    """No blank left unfilled, no key in place of its words; the language is declared."""
    for path in paths(site):
        answer = get(site, f"{path}{'&' if '?' in path else '?'}lang={language}")
        html = re.sub(r"<script.*?</script>", "", answer.text, flags=re.DOTALL)
        assert answer.status_code in {200, 404}, path
        assert f'<html lang="{language}">' in html, path
        assert not re.search(r"\{\w+\}|undefined|None\b", html), path
        assert not [
            key for key in catalogues()["en"] if re.search(rf"[>\s\"]{re.escape(key)}[<\s\"]", html) and "." in key
        ], path


def test_an_operator_reads_vietnamese_words_for_what_is_wrong(site: Site) -> None:
    html = get(site, "/operations", **{"accept-language": "vi"}).text
    why = "4 lần tải liên tiếp thất bại: máy chủ của nguồn gặp lỗi (HTTP 503 Service Unavailable)."
    assert f'<p lang="vi">{why}</p>' in html


def test_feeds_stand_worst_first_with_times_of_the_city(site: Site) -> None:
    html = get(site, "/operations").text
    assert re.findall(r'<li class="card feed (\w+)">', html) == ["failing", "degraded", "ok", "ok"]
    assert "since 08:04:00 (60 s)" in html


def test_a_feeds_page_tells_what_no_judgement_speaks_of(site: Site) -> None:
    text = get(site, "/operations/feeds/live").text
    assert "Its server&#39;s clock is 7 s behind ours" in text
    assert "Its contents last changed 12 min ago" in text
    assert "1 poll left out because the one before still went on" in text


def test_without_a_token_the_operators_page_asks_for_one(site: Site) -> None:
    answer = httpx.get(site.base + "/operations")
    assert answer.status_code == 401
    assert "notices" not in answer.text


def test_assets_are_kept_for_good_and_renewed_with_their_contents(site: Site) -> None:
    (address,) = set(re.findall(r'/static/[^"]+/rider\.js', get(site, "/").text))
    assert get(site, address).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert get(site, "/static/other/rider.js").headers["cache-control"] == "no-cache"
    assert get(site, address.replace("rider.js", "no.js")).status_code == 404


def test_a_page_names_no_other_host(site: Site) -> None:
    """But for the demo's simulator, which is on this machine, and links that one must choose."""
    for path in paths(site):
        answer = get(site, path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; connect-src 'self' http://127.0.0.1:9; img-src 'self' data:;"), (
            path
        )
        assert not re.findall(r'(?:src|srcset)="(?:https?:)?//', answer.text), path


def test_only_a_demo_has_buttons_that_make_feeds_sick(site: Site, real_site: Site) -> None:
    assert "formaction" in get(site, "/operations").text
    answer = get(real_site, "/operations")
    assert '<li class="card feed failing">' in answer.text
    assert "formaction" not in answer.text
    assert "connect-src 'self';" in answer.headers["content-security-policy"]


def test_a_replay_says_that_it_is_one_and_when_it_ended(site: Site, replayed_site: Site) -> None:
    """To riders and operators, in both languages: nothing live comes any more, and no feed is to blame."""
    for language, ended in (("en", "the recording ended at 07:59"), ("vi", "bản ghi đã kết thúc lúc 07:59")):
        for path in ("/", STOP, f"{STOP}?part=arrivals"):
            assert ended in get(replayed_site, path, **{"accept-language": language}).text, (language, path)
    operations = get(replayed_site, "/operations").text
    assert "no feed is to blame" in operations
    assert "Replay only" in operations
    assert "Demo only" not in operations
    assert not re.search("recording|Replay", get(site, "/operations").text + get(site, STOP).text)


async def test_a_replay_that_goes_on_says_until_when(replayed_site: Site) -> None:
    await replayed_site.clock.advance_s(-400)
    assert "Replay of a recording that ends at 07:59" in get(replayed_site, "/").text
    assert "no feed is to blame" not in get(replayed_site, "/operations").text


def test_a_place_may_be_watched_from_every_page_about_one(site: Site, real_site: Site) -> None:
    """Before the long list of stops, at a stop, and where a warning is read; where there is a phone to warn."""
    for path, before, label in (
        ("/", '<section id="nearby">', ""),
        (STOP, "", "Middle Street"),
        (f"/warnings/{site.alert.alert_id}", "", "The harbour"),
    ):
        html = get(site, path).text
        assert 'id="place"' in (html.partition(before)[0] if before else html), path
        assert re.findall(r'id="place".*?data-label="(.*?)"', html) == [label][: bool(label)], path
        assert 'id="place"' not in get(real_site, path).text


def test_polls_are_told_in_words(site: Site) -> None:
    for language, words in (("en", "its server failed (503)"), ("vi", "máy chủ lỗi (503)")):
        assert words in get(site, f"/operations/feeds/notices?lang={language}").text


def test_numbers_are_grouped_as_the_language_does(site: Site) -> None:
    for language, number in (("en", "240,000"), ("vi", "240.000")):
        assert number in get(site, f"/accuracy?lang={language}").text


def test_who_types_an_address_that_is_none_gets_a_page(site: Site) -> None:
    """In words, with a search; programs get JSON."""
    answer = get(site, "/nothing?lang=vi", accept="text/html,*/*;q=0.8")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert catalogues()["vi"]["not_found.text"] in answer.text
    for path, accept in (
        ("/nothing", "*/*"),
        ("/api/v1/nothing", "text/html"),
        ("/static/x/y.js", "text/html"),
    ):
        answer = get(site, path, accept=accept)
        assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_what_was_searched_for_comes_before_everything_else(site: Site) -> None:
    """Right under the search field, to which the page goes; favourites and the rest follow."""
    html = get(site, "/?q=middle").text
    assert (
        html.index('id="find"') < html.index("Middle Street") < html.index('id="favourites"') < html.index('id="place"')
    )
    assert html.count('id="nearby"') == get(site, "/").text.count('id="nearby"') == 1

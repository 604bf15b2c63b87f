"""Which messages with status Actual are tests all the same: issuers forget the status, people must not be woken."""

import re

from domain.alert import AlertInfo

TEST_CODES = frozenset({"DMO", "NAT", "NMN", "NPT", "NST", "RMT", "RWT"})
"""SAME event codes of demonstrations, tests and network notices. Source: 47 CFR 11.31(e)."""

_TEST_EVENT = re.compile(
    r"\b(test(s|ing)?|exercise|drill|demo|demonstration (message|warning|alert)|simulacro|prueba|exercice|übung|probealarm|probewarnung"
    r"|testwarnung|esercitazione|simulado|diễn tập|тест|учения)\b|訓練|測試|测试|演習|演练|テスト|시험|훈련",
    re.IGNORECASE,
)
_REAL_THING = re.compile(
    r"\b(nuclear|atomic|missile|rocket|weapons?|bomb|water|covid(-?19)?|lab(oratory)?|blood|pcr|antigen|military|naval|firing"
    r"|gunnery|oil|gas)\s+(tests?|testing|exercises?|drill(s|ing)?)\b"
    r"|\b(tests?|testing)\s+(positive|results?|failed|explosion|cent(er|re)s?|stations?|sites?)\b"
    r"|\bdrill(ing)?\s+(rig|site|platform|ship|hole)s?\b",
    re.IGNORECASE,
)
"""What is tested or drilled in earnest: a missile test is no test of the siren."""
_TEST_HEADLINE = re.compile(
    r"^\W*(test|exercise|drill|demo|übung|probe(alarm|warnung)|prueba|simulacro|exercice|diễn tập)\b"
    r"(?=\W*$|\s*[-–—:*!/|(])"
    r"|[(\[*]\s*(test|exercise|übung)\s*[)\]*]|^\W*(訓練|測試|测试|演習)",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(
    r"\bthis is (only )?an? (test|drill|exercise)\b"
    r"|\bthis is (only )?a (monthly|weekly|required|routine|practice)[\w ]{0,40} test\b"
    r"|\bdies ist (nur )?eine? (übung|probe(alarm|warnung)?|test(warnung|meldung)?)\b"
    r"|\bes(to|ta)? es (sólo |solo )?una? (prueba|simulacro)\b|\bceci est (seulement )?un (test|exercice)\b"
    r"|\bđây (chỉ )?là (một )?(cuộc )?diễn tập\b",
    re.IGNORECASE,
)


def why_test(infos: tuple[AlertInfo, ...]) -> str:
    """Why the message is held as a test, in words; blank when it is none. "This is not a drill" is none."""
    for info in infos:
        for name, value in info.event_codes:
            if value.strip().upper() in TEST_CODES:
                return f"event code {name} {value}"
        for name, value in info.parameters:
            if name.upper() == "VTEC" and value.lstrip().upper().startswith("/T."):
                return f"VTEC of a test product: {value[:30]}"
        if found := _TEST_EVENT.search(_REAL_THING.sub(" ", info.event)):
            return f"event type says {found.group(0)!r}"
        if found := _TEST_HEADLINE.search(info.headline):
            return f"headline says {found.group(0).strip()!r}"
        if found := _SAYS_SO.search(f"{info.headline}\n{info.description}\n{info.instruction}"):
            return f"text says {found.group(0)!r}"
    return ""

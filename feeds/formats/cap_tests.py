"""Which messages with status Actual are tests all the same: issuers forget the status, people must not be woken."""

import re

from domain.alert import AlertInfo

TEST_CODES = frozenset({"DMO", "NAT", "NMN", "NPT", "NST", "RMT", "RWT"})
"""SAME event codes of demonstrations, tests and network notices. Source: 47 CFR 11.31(e)."""

_TEST_EVENT = re.compile(
    r"\b(test(s|ing)?|exercise|drill|demo|demonstration (message|warning|alert)|simulacro|prueba|exercice|übung|probealarm|probewarnung"
    r"|testwarnung|warntag|esercitazione|simulado|teste|ejercicio|tatbikat|latihan|simulasi|diễn tập|тест|учения|ćwiczenia"
    r"|cvičení|oefening|exercício|controlebericht|övning|øvelse|άσκηση)\b|訓練|測試|测试|演習|演练|テスト|시험|훈련",
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
    r"^\W*(test|exercise|drill|demo|übung|probe(alarm|warnung)|prueba|simulacro|ejercicio|exercice|esercitazione|teste|simulado"
    r"|oefening|diễn tập)\b"
    r"(?=\W*$|\s*[-–—:*!/|(]|\s+test\b)"
    r"|[(\[*]\s*(test|exercise|übung|esercitazione|exercice|simulacro)\s*[)\]*]|^\W*(訓練|測試|测试|演習|演练|テスト|훈련|시험)"
    r"|\b(probe(alarm|warnung)|warntag|controlebericht)\b|\b(alert|warning|alarm|siren)s?\s+(system\s+)?test\W*$",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(
    r"\bthis is (only )?an? (test|drill|exercise)\b"
    r"|\bthis is (only )?a (monthly|weekly|required|routine|practice)[\w ]{0,40} test\b"
    r"|\bdies ist (nur )?eine? (übung|probe(alarm|warnung)?|test(warnung|meldung)?)\b"
    r"|\bthis is (only )?an? (nationwide|national|statewide|simultaneous|earthquake|tsunami)[\w ,-]{0,40} (drill|test)\b"
    r"|\bdies ist (nur )?eine? [\w -]{0,30}(probewarnung|probealarm|testwarnung)\b"
    r"|\bes(to|ta)? es (sólo |solo )?una? (prueba|simulacro|mensaje de prueba)\b"
    r"|\bceci (est|n['\u2019]est qu['\u2019]) ?(seulement )?un (message de )?(test|exercice)\b"
    r"|\bquest[oa] è (solo )?un['\u2019]?a? ?(messaggio di )?(test|prova|esercitazione)\b"
    r"|\b(isto|isso|este|esta) é (apenas )?uma? (mensagem de )?(teste|simulado|exercício)\b"
    r"|\bdit is (slechts )?een (test|oefening|proef)\w*\b|これは(訓練|テスト)(?!では|じゃ)|这是(一次)?(测试|演练|演习)|這是(測試|演習|演練)"
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

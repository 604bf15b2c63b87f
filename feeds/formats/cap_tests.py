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
    r"|\bdrill(ing)?\s+(rig|site|platform|ship|hole)s?\b"
    r"|\b(ejercicio|exercício|exercice|latihan|tatbikat|diễn tập|ćwiczenia|cvičení|учения|oefening|øvelse|övning)s?\s+"
    r"(militar|militaire|militer|de tiro|de tir|de fogo|de fuego|con fuego|menembak|quân sự|wojskowe|armády|военные|med skarp)\w*"
    r"|\besercitazione\s+(militare|a fuoco|di tiro)\b|\btirs?\s+d['\u2019]exercice\b"
    r"|\b(militær|militär|militair|skyde|skyte|askeri|vojensk|wojskow|военн|στρατιωτικ)\w*\s+"
    r"(øvelse|övning|oefening|übung|tatbikat|cvičení|ćwiczenia|учения|άσκηση)\b"
    r"|\b(prueba|test|teste)\s+(nuclear|nucléaire|nucleare|de m[ií]s[ií]l|de missil)\w*"
    r"|(軍事|军事|実弾|實彈|实弹|射撃|射擊|射击|군사|사격)\s*(演習|演练|訓練|훈련)"
    r"|(ミサイル|導彈|导弹|核|미사일|핵)(発射|發射|发射|\s*발사)?\s*(テスト|測試|测试|시험)|시험\s*발사"
    r"|(訓練|演習|演练|測試|测试|テスト|훈련|시험)(所|場(?!所)|场(?!所)|機|机|艦|船|校|生|林|站|소|장|기(?!간)|생|센터|コース|センター)"
    r"|훈련\s*중\s*(\w+\s+)?\w*(사고|폭발|화재|추락)"
    r"|\bla\s+teste\b|\bteste-de-\w+|\b(river|lower|upper|middle)\s+test\b|\btest\s+valley\b",
    re.IGNORECASE,
)
"""What is tested or drilled in earnest (a missile test is no test of the siren), where it is done, and places of that name."""
_DENIED = re.compile(
    r"\b(not|no|never|no longer|isn['\u2019]t|neither|repeat not,?|rather than|instead of|anything but)"
    r"(\s+(just|only|merely|being|for|part|of|an?|the|any|another|mere|routine|planned|monthly|weekly|training|siren|or|nor"
    r"|tests?|drills?|exercises?|simulation)){0,8}"
    r"\s+(tests?|testing|drills?|exercises?|demo)\b"
    r"|\b(kein(e[nmrs]?)?|nicht|weder)"
    r"(\s+(oder|noch|test-?|probe-?|übung|nur|bloß|mehr|um|eine?[nmrs]?|die|der|bloße[rn]?|reine[rn]?)){0,8}"
    r"\s+(übung|test\w*|probe\w*|warntag)\b"
    r"|\b(pas|plus|non|ni|aucune?)"
    r"(\s+(ni|ou|test|exercice|simulation|pas|seulement|simple|une?|de|d['\u2019]une?)){0,8}\s+(d['\u2019]|simple )?(test|exercice)\b"
    r"|\b(no|ni|ningun|ningún|ninguna)"
    r"(\s+(ni|o|prueba|simulacro|ejercicio|ning[uú]na?|es|son|se|trata|de|s[oó]lo|una?|más|simple|mero|mensaje)){0,8}"
    r"\s+(prueba|simulacro|ejercicio|test)\b"
    r"|\b(non|né|nessuna?)"
    r"(\s+(né|o|test|prova|simulazione|è|e['\u2019]|sono|si|tratta|di|solo|una?|più|semplice)){0,8}\s+(un['\u2019]|nessun['\u2019])?\s*"
    r"(test|prova|esercitazione|simulazione)\b|\bnessun['\u2019]\s*esercitazione\b"
    r"|\b(não|nao|nem|nenhuma?)"
    r"(\s+(nem|ou|teste|simulado|é|se|trata|de|uma?|apenas|só|mais|mensagem|simples)){0,8}\s+(teste|simulado|exercício|simulacro)\b"
    r"|\b(geen|géén|niet)"
    r"(\s+(of|test|oefening|een|zomaar|slechts|alleen|maar)){0,8}\s+(test|oefening|oefen|proef|controlebericht)\w*"
    r"|\b(ikke|ikkje|inte|icke|ingen|inget|intet)(\s+(en|et|ett|bare|bara|kun|noen|nogen|någon|längre)){0,8}"
    r"\s+(øvelse|övning|test|prøve|prov)\w*"
    r"|\b(nie|to nie są|není|nejde o|не|bukan|không phải( là)?( một)?( cuộc)?|δεν είναι)\s+((są|jest|to|hanya|sekadar|просто)\s+){0,8}"
    r"(test|ćwiczenia|cvičení|тест|учения|latihan|simulasi|diễn tập|άσκηση)\b|\btatbikat\s+değil"
    r"|((訓練|演習|テスト)(や|・|または|か|でも)){0,2}(訓練|演習|テスト)(放送|情報|警報|通報|配信|メール|メッセージ)?"
    r"\s*((では|じゃ)(決して|けっして)?(な[いくかし]|無|ありませ|ございませ|あらず)|でも?(な[いく]|ありませ|ございませ)|にあらず)"
    r"|(不是|並非|并非|絕非|绝非|非)(一次|一場|一场|普通)?\s*(訓練|測試|测试|演習|演习|演练|演練)"
    r"|(훈련|시험)\s*(상황|메시지|경보|방송|문자)?(이|가|은|는)?\s*(절대\s*)?아[니님닙닌]",
    re.IGNORECASE,
)
"""That it is no test. Only small words may stand between: "no danger, siren test" and "not real: an exercise" deny none."""
_TEST_HEADLINE = re.compile(
    r"^\W*(test|exercise|drill|demo|übung|probe(alarm|warnung)|prueba|simulacro|ejercicio|exercice|esercitazione|teste|simulado"
    r"|oefening|diễn tập)\b"
    r"(?=\W*$|\s*[-–—:*!/|(]|\s+(test|exercise|drill)\b)"
    r"|[(\[*]\s*(test|exercise|übung|esercitazione|exercice|simulacro)\s*[)\]*]|^\W*(訓練|測試|测试|演習|演练|テスト)"
    r"|^\W*(훈련|시험)(?=\W|$|용|경보|방송|문자|메시지|입니다|상황)"
    r"|\b(probe(alarm|warnung)|warntag|controlebericht)\b|\b(alert|warning|alarm|siren)s?\s+(system\s+)?test\W*$",
    re.IGNORECASE,
)
_WORDS = r"(?:(?!\b(?:not|never|no(?!-)|kein\w*|nicht)\b)[\w -]){0,40}"
"""A few words of one phrase that does not turn into its opposite."""
_SAYS_SO = re.compile(
    r"\bthis is (only |just )?an? (test|drill|exercise)\b"
    rf"|\bthis is (only |just )?a (monthly|weekly|required|routine|practice){_WORDS} test\b"
    r"|\b(dies|das) ist (nur )?eine? (übung|probe(alarm|warnung)?|test(warnung|meldung)?)\b"
    rf"|\bthis is (only |just )?an? (nationwide|national|statewide|simultaneous|earthquake|tsunami){_WORDS} (drill|test)\b"
    rf"|\bdies ist (nur )?eine? {_WORDS}(probewarnung|probealarm|testwarnung)\b"
    r"|\bes(to|ta)? es (sólo |solo )?una? (prueba|simulacro|mensaje de prueba)\b"
    r"|\bceci (est|n['\u2019]est qu['\u2019]) ?(seulement )?un (message de )?(test|exercice)\b"
    r"|\bquest[oa] è (solo )?un['\u2019]?a? ?(messaggio di )?(test|prova|esercitazione)\b"
    r"|\b(isto|isso|este|esta) é (apenas )?uma? (mensagem de )?(teste|simulado|exercício)\b"
    r"|\bdit is (slechts |maar )?een (test(bericht|alarm|melding)?|oefening|oefen(bericht|alarm)|proef(bericht|alarm)?)\b"
    r"|これは(訓練|テスト)(?!では|じゃ|でな|でも|や)|(这是|这只是)(一次)?(测试|演练|演习)"
    r"|(這是|這只是)(測試|演習|演練)|이것은 (훈련|시험)(상황| 상황)?입니다"
    r"|\b(dette er|detta är|det här är) (bare |bara |kun |endast )?(en|et|ett) (test|øvelse|övning)\b"
    r"|\bэто (только |всего лишь )?(учения|тест)\b|\bto (są )?(tylko )?ćwiczenia\b"
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
        if found := _TEST_EVENT.search(_without_real(info.event)):
            return f"event type says {found.group(0)!r}"
        if found := _TEST_HEADLINE.search(_without_real(info.headline)):
            return f"headline says {found.group(0).strip()!r}"
        for text in (info.headline, info.description, info.instruction):
            if found := _SAYS_SO.search(_without_real(text)):
                return f"text says {found.group(0)!r}"
    return ""


def _without_real(text: str) -> str:
    """The text in one line, without what says that it is no test and what is tested in earnest."""
    return _REAL_THING.sub(" _ ", _DENIED.sub(" _ ", " ".join(text.split())))

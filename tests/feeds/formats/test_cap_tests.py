"""Tests in disguise, and warnings that only look like one."""

import pytest

from tests.feeds.formats.cap_messages import alert, info, read


@pytest.mark.parametrize(
    ("block", "because"),
    [
        (info(event="Required Monthly Test"), "event type says 'Test'"),
        (
            info(eventCode="<eventCode><valueName>SAME</valueName><value>rmt</value></eventCode>"),
            "event code SAME rmt",
        ),
        (
            info(eventCode="<eventCode><valueName>SAME</valueName><value>DMO</value></eventCode>"),
            "event code SAME DMO",
        ),
        (info(headline="ÜBUNG - Hochwasser"), "headline says 'ÜBUNG'"),
        (info(headline="[TEST] Flood"), "headline says '[TEST]'"),
        (info(event="津波", headline="訓練 津波警報"), "headline says '訓練'"),
        (info(event="Diễn tập bão"), "event type says 'Diễn tập'"),
        (info(description="THIS IS ONLY A TEST - ESTO ES UNA PRUEBA"), "text says 'THIS IS ONLY A TEST'"),
        (
            info(parameter="<parameter><valueName>VTEC</valueName><value>/T.NEW.KOAX.TO.W.0001/</value></parameter>"),
            "VTEC of a test product: /T.NEW.KOAX.TO.W.0001/",
        ),
        *(
            pytest.param(info(event=event), "", id=event)
            for event in (
                "Nuclear test explosion",
                "Missile test",
                "COVID-19 testing centre closed",
                "Oil drill fire",
                "Drill rig blowout",
                "Demonstration",
                "Water test positive",
                "Military exercise with live fire",
            )
        ),
        (info(event="Missile warning test"), "event type says 'test'"),
        (info(event="Demonstration Message"), "event type says 'Demonstration Message'"),
        *(
            pytest.param(info(**said), because, id=because)
            for said, because in (
                (
                    {"headline": "IT-alert TEST TEST", "description": "Questo è un messaggio di test"},
                    "text says 'Questo è un messaggio di test'",
                ),
                ({"headline": "TEST TEST TEST"}, "headline says 'TEST'"),
                ({"headline": "Bundesweiter Warntag: es besteht keine Gefahr"}, "headline says 'Warntag'"),
                ({"headline": "Emergency alert test"}, "headline says 'alert test'"),
                ({"description": "Ceci n'est qu'un test."}, "text says \"Ceci n'est qu'un test\""),
                (
                    {"description": "This is a nationwide earthquake drill."},
                    "text says 'This is a nationwide earthquake drill'",
                ),
                ({"description": "これは訓練です。"}, "text says 'これは訓練'"),
                ({"description": "Dit is een testbericht"}, "text says 'Dit is een testbericht'"),
            )
        ),
        *(
            pytest.param(info(description=text), "", id=text)
            for text in (
                "Ceci n'est pas un exercice",
                "Questa non è un'esercitazione",
                "これは訓練ではありません",
                "Dit is geen test",
                "Dies ist keine Übung",
            )
        ),
        pytest.param(info(headline="Test results: water is contaminated"), "", id="a laboratory's test"),
        pytest.param(info(description="THIS IS NOT A DRILL. Seek shelter."), "", id="Hawaii 2018"),
        pytest.param(info(headline="Protest in the centre, contest delayed"), "", id="words that hold the word"),
        pytest.param(
            info(eventCode="<eventCode><valueName>SAME</valueName><value>TOR</value></eventCode>"), "", id="tornado"
        ),
    ],
)
def test_tests_that_say_actual_are_recognised(block: str, because: str) -> None:
    """Two of 48 recorded messages are tests with status Actual."""
    assert read(alert(block)).looks_like_test == because


@pytest.mark.parametrize(
    "text",
    [
        "This is a tsunami warning, not a drill",
        "THIS IS AN EARTHQUAKE EMERGENCY AND NOT A TEST",
        "This is a national emergency, not a test",
        "This is a national emergency\nand not\njust a drill",
        "This is a national emergency rather than an exercise",
        "This is a national emergency, no test",
        "This isn't a drill",
        "This is not, repeat not, a drill",
        "NOT A TEST OR DRILL",
        "This is neither a test nor a drill",
        "Dies ist keine Test- oder Probewarnung",
        "Weder Übung noch Test",
        "Ni exercice ni test",
        "No es ni un simulacro ni una prueba",
        "Non è né un test né un'esercitazione",
        "Não é um teste nem um simulado",
        "Dit is géén oefening",
        "これは訓練や演習ではありません",
        "これは訓練でもテストでもありません",
        "Dies ist eine echte Warnung und keine Probewarnung",
        "Dies ist eine amtliche Warnung - kein Probealarm",
        "Dies ist nicht nur eine Übung",
        "Großbrand: KEIN PROBEALARM",
        "Sirenenalarm - dies ist keine Probewarnung",
        "Kein Warntag: Großbrand",
        "Ce n'est pas un exercice",
        "Il ne s'agit pas d'un exercice",
        "Alerte réelle, non un test",
        "Esto no es un simulacro",
        "NO ES SIMULACRO",
        "No se trata de una prueba",
        "Questa non è un'esercitazione",
        "Non si tratta di un test",
        "Isto não é um teste",
        "Não se trata de um exercício",
        "Dit is geen oefening",
        "Dit is niet zomaar een test",
        "Dette er ikke en øvelse",
        "Dette er ingen øvelse",
        "Detta är inte en övning",
        "To nie są ćwiczenia",
        "Toto není cvičení",
        "Это не учения",
        "Đây không phải là diễn tập",
        "Ini bukan latihan",
        "Bu bir tatbikat değildir",
        "Αυτή δεν είναι άσκηση",
        "テストではない 津波警報",
        "訓練ではありません。避難してください",
        "これは訓練でない",
        "これは訓練でなく本番です",
        "訓練放送ではございません",
        "훈련 아님: 실제 상황",
        "훈련상황이 아닙니다",
        "这不是演习",
        "並非演習，請立即疏散",
    ],
)
def test_a_warning_that_says_it_is_no_test_is_none(text: str) -> None:
    """Wherever it stands: held back, it would be the worst of all misses."""
    for block in (info(event=text), info(headline=text), info(description=text), info(instruction=text)):
        assert read(alert(block)).looks_like_test == ""


@pytest.mark.parametrize(
    "text",
    [
        "Feu de forêt à La Teste-de-Buch",
        "Teste-de-Buch: évacuez",
        "Flood alert: River Test",
        "Flooding in Test Valley",
        "Ejercicio militar con fuego real",
        "Ejercicio de tiro",
        "Exercício militar",
        "Exercice militaire",
        "Exercices de tir",
        "Tirs d'exercice",
        "Esercitazione a fuoco",
        "Prueba nuclear",
        "Militær øvelse",
        "Militär övning",
        "Militärische Übung",
        "Militaire oefening",
        "Latihan militer",
        "Askeri tatbikat",
        "Военные учения",
        "Firing exercise",
        "훈련소 화재 발생",
        "훈련 중 폭발사고",
        "사격 훈련",
        "시험 발사 미사일 낙하 주의",
        "시험장 화재",
        "訓練所で火災",
        "演習場で爆発",
        "ミサイル発射テスト",
        "军事演习",
        "Dit is een proefboring",
    ],
)
def test_what_is_tested_in_earnest_stays_a_warning(text: str) -> None:
    for block in (info(event=text), info(headline=text), info(description=text)):
        assert read(alert(block)).looks_like_test == ""


@pytest.mark.parametrize(
    "said",
    [
        {"description": "This is only a test. This is not a real emergency."},
        {"description": "THIS IS ONLY\nA TEST"},
        {"description": "No danger, this is just a test"},
        {"description": "This is a drill, not a real warning"},
        {"description": "This is a nationwide no-notice drill"},
        {"description": "This is a required monthly system test"},
        {"headline": "EXERCISE EXERCISE EXERCISE"},
        {"description": "Das ist nur ein Test"},
        {"description": "Dette er bare en øvelse"},
        {"description": "Detta är ett test"},
        {"description": "Это учения"},
        {"description": "To są ćwiczenia"},
        {"description": "이것은 훈련입니다"},
        {"description": "这只是测试"},
        {"description": "這只是演習"},
        {"headline": "Keine Gefahr - Probealarm"},
        {"headline": "Keine Gefahr Probealarm"},
        {"description": "Dies ist eine landesweite Probewarnung. Es besteht keine Gefahr."},
        {"description": "Ceci est un exercice, pas une alerte réelle"},
        {"description": "No hay emergencia, esto es una prueba"},
        {"event": "Simulacro: no es real"},
        {"description": "Non c'è pericolo. Questo è un test"},
        {"description": "Isto é um teste, não é real"},
        {"description": "Geen gevaar, dit is een oefening"},
        {"description": "Dit is een proefalarm"},
        {"event": "Øvelse, ikke virkelig"},
        {"event": "Övning"},
        {"headline": "訓練で、実際の警報ではありません"},
        {"headline": "訓練場所の変更"},
        {"headline": "[훈련] 실제 상황 아님"},
        {"headline": "훈련 상황이며 실제 상황이 아닙니다"},
        {"headline": "훈련경보 발령"},
        {"description": "这是测试，不是真实警报"},
        {"event": "民防演習"},
    ],
)
def test_a_test_that_says_there_is_no_danger_stays_one(said: dict[str, str]) -> None:
    assert read(alert(info(**said))).looks_like_test

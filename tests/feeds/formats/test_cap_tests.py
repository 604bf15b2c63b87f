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

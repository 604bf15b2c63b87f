"""``wayside keys``: made, listed, revoked."""

from pathlib import Path

import pytest

from store.api_keys import digest_of
from wayside.cli import run


@pytest.fixture(autouse=True)
def deployment(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("WAYSIDE_HOME", str(tmp_path))
    monkeypatch.delenv("WAYSIDE_CONFIG", raising=False)


def test_keys_are_shown_once_then_listed_without(capsys: pytest.CaptureFixture[str]) -> None:
    """The key is printed alone, for a script to take; the list has names, roles, quotas and rights."""
    assert run(["keys", "add", "transit app", "--quota", "600/min"]) == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("rk-")
    assert run(["keys", "add", "display", "--exempt"]) == 0
    assert run(["keys", "add", "editor", "--protected"]) == 0
    assert run(["keys", "add", "night shift", "--role", "operator"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("op-")
    assert run(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert key not in listed
    assert digest_of(key) not in listed
    assert [line.split("\t")[:4] for line in listed.splitlines()] == [
        ["NAME", "ROLE", "QUOTA", "RIGHTS"],
        ["display", "rider", "exempt", "-"],
        ["editor", "rider", "100/second", "protected"],
        ["night shift", "operator", "100/second", "-"],
        ["transit app", "rider", "600/minute", "-"],
    ]


def test_keys_of_a_name_are_revoked_together(capsys: pytest.CaptureFixture[str]) -> None:
    """What is gone is said; a name that nobody has is an error."""
    assert run(["keys", "add", "app"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["keys", "add", "app"]) == 0
    assert "app has 2 keys now, the older still good" in capsys.readouterr().err
    assert run(["keys", "revoke", "app"]) == 0
    assert capsys.readouterr().out == "2 forgotten\n"
    assert run(["keys", "revoke", "app"]) == 1


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "a\ttab"])
def test_a_key_without_a_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody could tell whose it is, nor revoke it."""
    with pytest.raises(SystemExit) as raised:
        run(["keys", "add", name])
    assert raised.value.code == 2
    assert "expected whose key it is" in capsys.readouterr().err


def test_quota_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With what was expected."""
    with pytest.raises(SystemExit) as raised:
        run(["keys", "add", "app", "--quota", "lots"])
    assert raised.value.code == 2
    assert "expected requests/unit such as 20/second or 600/minute, found 'lots'" in capsys.readouterr().err


def test_keys_need_redis(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in words, not with a traceback."""
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    assert run(["keys", "list"]) == 1
    assert "Redis does not answer" in capsys.readouterr().err

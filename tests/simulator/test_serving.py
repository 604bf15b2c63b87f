"""Where what plays the outside world listens."""

import socket

import pytest

from simulator.serving import listen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_a_word_any_free_port_of_loopback_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the pages listen for everybody: whoever makes feeds sick must be asked in on purpose."""
    monkeypatch.setenv("WAYSIDE_HOST", "0.0.0.0")
    monkeypatch.delenv("WAYSIDE_DEMO_PORT", raising=False)
    with listen(0) as listener:
        host, port = listener.getsockname()
    assert (host, port > 0) == ("127.0.0.1", True)


def test_a_port_that_is_published_is_taken_where_the_pages_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, for the browser outside."""
    port = free_port()
    monkeypatch.setenv("WAYSIDE_HOST", "0.0.0.0")
    monkeypatch.setenv("WAYSIDE_DEMO_PORT", str(port))
    with listen(0) as listener:
        assert listener.getsockname() == ("0.0.0.0", port)


@pytest.mark.parametrize("port", ["many", "70000", "-1"])
def test_a_port_that_is_none_is_explained(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("WAYSIDE_DEMO_PORT", port)
    with pytest.raises(SystemExit, match="WAYSIDE_DEMO_PORT: expected a port from 0 to 65535"):
        listen(0)


def test_a_port_that_is_taken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYSIDE_DEMO_PORT", raising=False)
    with listen(0) as other, pytest.raises(SystemExit, match="cannot listen there"):
        listen(other.getsockname()[1])

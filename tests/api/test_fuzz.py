"""Everything that our description allows is answered as described: a short version of ``make fuzz-api``."""

from pathlib import Path

from tests.api.fuzz import ask, served, statuses


def test_answers_are_as_described_whatever_is_asked(redis_url: str, tmp_path: Path) -> None:
    """No status from 500 up, none that is not described, no other media type or body."""
    with served(redis_url, tmp_path) as base:
        asked = ask(base, tmp_path, examples=4, known_ids=True, phases="examples,fuzzing")
        assert asked.returncode == 0, asked.stdout
        counted = statuses(base)
        assert counted["200"] > 100
        assert not [status for status in counted if status >= "500"]

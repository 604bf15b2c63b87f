"""The town of straight streets, imported once."""

import pytest

from tests.predictor.streets import Streets, streets


@pytest.fixture(scope="session")
def _streets(tmp_path_factory: pytest.TempPathFactory) -> Streets:
    return streets(tmp_path_factory.mktemp("streets"))


@pytest.fixture
def town(_streets: Streets) -> Streets:
    """The town with an empty memory."""
    return Streets(_streets.bundle, _streets.schedule, _streets.ground)

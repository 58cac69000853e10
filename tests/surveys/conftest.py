"""What many tests of surveys share."""

import pytest

from biodata import places


@pytest.fixture(scope="session")
def boundaries():
    return places.load_boundaries()

"""The service on the small release, asked without a network; a plugin, so that it is made once for all files."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

import releases
from api.app import create_app
from biodata.core.settings import Settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of an installation with the small release."""
    data = tmp_path_factory.mktemp("service")
    releases.make_release(data)
    return Settings(data=data, upload_limit_bytes=300_000)


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found

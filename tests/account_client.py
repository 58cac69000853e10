"""A service without a release, with an account of each role; a plugin, so that it is made once for all files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from biodata.core.settings import Settings
from people import People


@pytest.fixture(scope="module")
def account_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(data=Path(tmp_path_factory.mktemp("accounts")), password_memory_mib=8, login_limit=0)
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


@pytest.fixture(scope="module")
def people(account_client: TestClient) -> People:
    return People(account_client)

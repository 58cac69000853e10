"""What many tests of surveys share."""

import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata import places
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from survey_office import Office


@pytest.fixture(scope="session")
def boundaries():
    return places.load_boundaries()


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Return an installation that is served, with a team, rivals and the reviewers of three countries."""
    settings = Settings(
        data=tmp_path_factory.mktemp("office") / "data", memory_limit="500MB", password_memory_mib=8, login_limit=0,
        rate_limit=0,
    )  # fmt: skip
    fixture.copy_release(settings.data)
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
        made = Office(settings, client)
        made.person("team", RoleBinding(Role.UPLOADER, dataset="border"))
        made.person("rival", RoleBinding(Role.UPLOADER, dataset="elsewhere"))
        made.person("pair", RoleBinding(Role.UPLOADER, dataset="pair"))
        made.person("laos", RoleBinding(Role.NODE_MANAGER, country="LA"))
        made.person("china", RoleBinding(Role.REVIEWER, country="CN"))
        made.person("vietnam", RoleBinding(Role.REVIEWER, country="VN"))
        yield made

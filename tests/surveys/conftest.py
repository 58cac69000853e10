"""What many tests of surveys share."""

import pytest

from biodata import places
from biodata.access.roles import Role, RoleBinding
from survey_office import served

PEOPLE = {
    "team": RoleBinding(Role.UPLOADER, dataset="border"),
    "rival": RoleBinding(Role.UPLOADER, dataset="elsewhere"),
    "pair": RoleBinding(Role.UPLOADER, dataset="pair"),
    "laos": RoleBinding(Role.NODE_MANAGER, country="LA"),
    "china": RoleBinding(Role.REVIEWER, country="CN"),
    "vietnam": RoleBinding(Role.REVIEWER, country="VN"),
    "administrator": RoleBinding(Role.ADMINISTRATOR),
}


@pytest.fixture(scope="session")
def boundaries():
    return places.load_boundaries()


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Return an installation that is served, with a team, rivals and the reviewers of three countries."""
    with served(tmp_path_factory.mktemp("office") / "data", PEOPLE) as made:
        yield made

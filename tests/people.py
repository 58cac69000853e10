"""People of each role, who have an account at a service that is tested."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.testclient import TestClient

import appointed
from biodata.access import credentials
from biodata.access.roles import Role, RoleBinding

PASSWORD = "seven gibbons at dawn"
ROLES = {
    Role.RESEARCHER: RoleBinding(Role.RESEARCHER),
    Role.UPLOADER: RoleBinding(Role.UPLOADER, dataset="nam-ha"),
    Role.PLANNER: RoleBinding(Role.PLANNER),
    Role.REVIEWER: RoleBinding(Role.REVIEWER, dataset="nam-ha"),
    Role.NODE_MANAGER: RoleBinding(Role.NODE_MANAGER, country="LA"),
    Role.ADMINISTRATOR: RoleBinding(Role.ADMINISTRATOR),
}


@dataclass
class People:
    """Whoever has an account here, each called as their role."""

    client: TestClient
    roles: Mapping[Role, RoleBinding] = field(default_factory=lambda: ROLES)

    def __post_init__(self) -> None:
        self.registry = self.client.app.state.service.registry
        for role, binding in self.roles.items():
            self.new(str(role), binding)

    def own(self, name: str, *roles: RoleBinding) -> dict[str, str]:
        """Make an account and return the headers of somebody who is logged in to it."""
        return self.headers(self.new(name, *roles))

    def new(self, name: str, *roles: RoleBinding) -> str:
        """Make an account whose password is `PASSWORD`, and return its name."""
        appointed.new(self.registry, name, roles=roles)
        code = credentials.new_code(self.registry, name)
        self.client.app.state.service.passwords.set_by_code(self.registry, code, PASSWORD)
        return name

    def pair(self, name: str) -> dict[str, str]:
        """Log in."""
        answer = self.client.post("/v1/login", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def headers(self, name: str) -> dict[str, str]:
        """Return the headers of somebody who is logged in."""
        return bearer(self.pair(name)["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}

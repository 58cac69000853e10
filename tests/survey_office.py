"""An installation that is served, with people who hand surveys in and decide about them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

import appointed
import releases as fixture
from api.app import create_app
from biodata.access import accounts, credentials
from biodata.access.roles import RoleBinding
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.worker import work
from people import bearer
from sheets import book_of, bytes_of

SURVEYS = "/v1/surveys"
HEADINGS = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude"]
LAOS = ["L-1", "2026-03-01", "Muntiacus muntjak", 20.9, 101.3]
CHINA = ["C-1", "2026-03-02", "Muntiacus muntjak", 22.0, 100.8]
LAOS_TOO = ["L-2", "2026-03-03", "Rusa unicolor", 20.95, 101.35]


def workbook(*rows):
    return bytes_of(book_of({"occurrences": (HEADINGS, *rows)}))


@contextmanager
def served(data: Path, people: Mapping[str, RoleBinding]) -> "Iterator[Office]":
    """Serve a new installation that has the small release, with these people."""
    settings = Settings(data=data, memory_limit="500MB", password_memory_mib=8, login_limit=0, rate_limit=0)
    fixture.copy_release(settings.data)
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
        made = Office(settings, client)
        for name, role in people.items():
            made.person(name, role)
        yield made


class Office:
    """An installation that is served, with people; `settle` lets the worker do what waits."""

    def __init__(self, settings: Settings, client: TestClient) -> None:
        self.settings, self.client = settings, client
        self.registry = client.app.state.service.registry
        self.heads: dict[str, dict[str, str]] = {}

    def person(self, name, *roles, key=False):
        if accounts.find(self.registry, name) is None:
            appointed.new(self.registry, name, roles=roles)
        tokens = self.client.app.state.service.tokens
        shown = credentials.new_key(self.registry, name) if key else tokens.start(
            accounts.find(self.registry, name).account_id, method="a test").access  # fmt: skip
        self.heads[name] = bearer(shown)
        return self.heads[name]

    def hand_in(self, who, content, **told):
        fields = {name: str(value).lower() for name, value in told.items()}
        answer = self.client.post(SURVEYS, files={"file": ("a.xlsx", content)}, data=fields, headers=self.heads[who])
        assert answer.status_code == 202, answer.text
        self.settle()
        return answer.json()["id"]

    def settle(self):
        work(self.settings, stop=threading.Event(), once=True)

    def look(self, who, number):
        answer = self.client.get(f"{SURVEYS}/{number}", headers=self.heads[who])
        assert answer.status_code == 200, answer.text
        return answer.json() | {"etag": answer.headers["etag"]}

    def decide(self, who, number, decision, *, etag=None, **told):
        seen = etag or self.look(who, number)["etag"]
        body = {"decision": decision, **told}
        headers = self.heads[who] | {"If-Match": seen}
        return self.client.post(f"{SURVEYS}/{number}/decisions", json=body, headers=headers)

    def records(self, dataset="border"):
        with Lake.open(self.settings.data) as lake:
            rows = lake.read("occurrences", columns=["datasetKey", "source_record_id", "key", "scientificName"])
        return {r["source_record_id"]: r for r in rows.to_dicts() if r["datasetKey"] == dataset}

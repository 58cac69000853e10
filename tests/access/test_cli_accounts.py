"""`biodata account` and `biodata key`: the first administrator, roles, codes and keys from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from biodata.access import accounts, credentials
from biodata.access.credentials import Passwords
from biodata.access.roles import Role, RoleBinding
from biodata.cli import app
from biodata.core.errors import BiodataError, InputError


@pytest.fixture
def run(tmp_path: Path):
    def call(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    return call


def test_the_first_administrator(run, registry):
    assert run("account", "new", "ana", "--role", "administrator") == "account ana is made, with administrator"
    code = run("account", "code", "ana")
    Passwords(memory_mib=8).set_by_code(registry, code, "seven gibbons at dawn")
    who = Passwords(memory_mib=8).who(registry, "ana", "seven gibbons at dawn")
    assert who is not None
    assert who.roles == (RoleBinding(Role.ADMINISTRATOR),)


def test_a_code_is_told_with_the_page_where_it_is_used(run, tmp_path, monkeypatch):
    run("account", "new", "noy")
    monkeypatch.setenv("BIODATA_PUBLIC_URL", "https://data.example.org/")
    done = CliRunner().invoke(app, ["account", "code", "noy", "--data", str(tmp_path)])
    page, api = done.stderr.index("https://data.example.org/surveys#code"), done.stderr.index("POST /v1/login/code")
    assert page < api


def test_roles_are_given_confirmed_and_taken(run, registry):
    run("account", "new", "office", "--role", "administrator")
    run("account", "new", "witness", "--role", "administrator")
    run("account", "new", "noy", "--label", "Noy of Luang Namtha")
    said = run("account", "role", "noy", "node_manager", "--country", "la", "--by", "office").splitlines()
    assert said[0] == "account noy has node_manager country=LA"
    assert "no right before somebody else has confirmed it" in said[1]
    assert "noy (Noy of Luang Namtha): node_manager country=LA (to be confirmed)" in run("account", "list")
    found = run("account", "confirm", "noy", "node_manager", "--country", "LA", "--by", "witness")
    assert found == "witness confirmed node_manager country=LA of noy: it counts from now on"
    run("account", "role", "noy", "reviewer", "--taxon", "Felidae", "--dataset", "nam-ha", "--by", "office")
    run("account", "confirm", "noy", "reviewer", "--taxon", "Felidae", "--dataset", "nam-ha", "--by", "witness")
    run("account", "role", "noy", "planner")
    told = run("account", "list").splitlines()[0]
    assert told == "noy (Noy of Luang Namtha): node_manager country=LA; reviewer dataset=nam-ha taxon=Felidae; planner"
    run("account", "role", "noy", "node_manager", "--country", "LA", "--remove")
    run("account", "revoke", "noy")
    seen = run("account", "list").splitlines()[0]
    assert seen == "noy (Noy of Luang Namtha): reviewer dataset=nam-ha taxon=Felidae; planner, closed"
    assert run("account", "reopen", "noy") == "account noy is open again"
    assert accounts.find(registry, "noy") is not None


@pytest.mark.parametrize(("words", "match"), [
    pytest.param(("role", "noy", "reviewer"), "who gives a role by which somebody decides is named", id="nobody"),
    pytest.param(("role", "noy", "reviewer", "--by", "noy"), "this account cannot give that role", id="no right"),
    pytest.param(("role", "office", "reviewer", "--by", "office"), "nobody appoints themselves", id="for oneself"),
    pytest.param(("confirm", "keo", "reviewer", "--by", "office"), "else than its maker and its holder", id="maker"),
    pytest.param(("confirm", "keo", "reviewer", "--by", "noy"), "who confirms an appointment decides", id="a friend"),
])  # fmt: skip
def test_two_accounts_are_named_for_a_role_by_which_somebody_decides(run, registry, words, match):
    run("account", "new", "office", "--role", "administrator")
    run("account", "new", "noy")
    run("account", "new", "keo", "--role", "reviewer", "--by", "office")
    with pytest.raises(InputError, match=match):
        run("account", *words)
    assert all(
        role.role is Role.ADMINISTRATOR for n in ("office", "noy", "keo") for role in accounts.find(registry, n).roles
    )


def test_a_new_key_says_what_it_is_good_for_beside_the_key(tmp_path):
    done = CliRunner().invoke(app, ["key", "new", "Nam Ha team", "--dataset", "nam-ha", "--data", str(tmp_path)])
    assert done.stdout.strip().startswith("biodata_")
    assert done.stderr.strip() == "a key of the account nam-ha-team, good for: uploader dataset=nam-ha"


def test_keys(run, registry):
    key = run("key", "new", "Nam Ha team")
    assert credentials.holder_of_key(registry, key).roles == (RoleBinding(Role.UPLOADER, dataset="nam-ha-team"),)
    run("account", "new", "ana", "--role", "planner")
    other = run("key", "new", "a script", "--account", "ana")
    assert credentials.holder_of_key(registry, other).label == "ana"
    told = run("key", "list")
    assert told.splitlines() == [
        "1 Nam Ha team: account nam-ha-team, all its roles, any dataset of theirs, good",
        "2 a script: account ana, all its roles, any dataset of theirs, good",
    ]
    assert key not in told
    assert run("key", "revoke", "1") == "key 1 is revoked"
    assert credentials.holder_of_key(registry, key) is None
    assert run("key", "list").splitlines()[0].endswith("revoked")


@pytest.mark.parametrize(("arguments", "match"), [
    (("account", "new", "Ana"), "cannot be called so"),
    (("account", "role", "nobody", "planner"), "no account of this name"),
    (("account", "code", "nobody"), "no account of this name"),
    (("account", "new", "ana", "--role", "root"), "no such role"),
    (("key", "new", "x", "--account", "nobody"), "no account of this name"),
    (("key", "revoke", "7"), "no key of this number"),
])  # fmt: skip
def test_what_cannot_be_done_changes_nothing(run, registry, arguments, match):
    with pytest.raises(InputError, match=match):
        run(*arguments)
    assert accounts.lines(registry) == []
    assert issubclass(InputError, BiodataError)

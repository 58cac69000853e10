"""`biodata access` and `biodata exact trust`, as a tired person types them: nothing is decided by what was left out."""

import duckdb
import pytest
from typer.testing import CliRunner

import appointed
from biodata.access.roles import Role, RoleBinding
from biodata.cli import app
from biodata.core.errors import NoReleaseError, StoreError
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store import releases
from biodata.store.registry import Registry

ASKED = ["--account", "rex", "--country", "la", "--taxon", "Elephas maximus", "--field", "decimalLatitude",
         "--purpose", "corridors"]  # fmt: skip


@pytest.fixture
def run(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data")) as registry:
        appointed.new(registry, "rex", roles=[RoleBinding(Role.RESEARCHER)])
        appointed.new(registry, "noy", roles=[RoleBinding(Role.NODE_MANAGER, country="LA")])

    def call(*words, ok=True):
        done = CliRunner().invoke(app, ["access", *words, "--data", str(tmp_path / "data")])
        assert (done.exit_code == 0) is ok, done.output
        return done.stdout.strip() if ok else str(done.exception)

    return call


def test_nobody_is_refused_because_an_option_was_forgotten(run, tmp_path):
    number = run("request", *ASKED, "--expires", "2099-01-01T00:00:00+00:00")
    key = tmp_path / "la.key"
    node_keys.keep_new(key)
    mine = [number, "--account", "noy", "--country", "la"]
    assert "--key FILE to grant it, or --refuse" in run("decide", *mine, ok=False)
    assert "--key FILE to grant it, or --refuse" in run("decide", *mine, "--key", str(key), "--refuse", ok=False)
    assert f"{number} rex: LA waiting: corridors" in run("list", "--account", "noy")
    told = run("decide", *mine, "--key", str(key))
    assert told.startswith(f"LA granted request {number}\nthe signature is checked when records are read")
    assert "the grant of LA" in run("revoke", *mine)


def test_the_list_tells_what_is_decided(run):
    number = run("request", *ASKED, "--expires", "2099-01-01T00:00:00+00:00", "--box", "101,20,102,21",
                 "--since", "2020-01-01", "--rows", "7")  # fmt: skip
    told = run("list", "--account", "noy")
    for words in ("Elephas maximus within", "101", "from 2020-01-01 to the last day", "decimalLatitude",
                  "at most 7 records, 7 a day, asked 100 times; until 2099-01-01"):  # fmt: skip
        assert words in told
    run("decide", number, "--account", "noy", "--country", "LA", "--refuse", "--reason", "a smaller area would do")
    assert "LA says: a smaller area would do" in run("list", "--account", "rex")


def test_a_request_that_is_over_before_it_begins_is_not_taken(run):
    assert "cannot end before it begins" in run("request", *ASKED, "--expires", "2020-01-01T00:00:00+00:00", ok=False)
    assert run("list", "--account", "rex") == ""


def test_a_private_key_never_gets_into_the_store(tmp_path):
    store = tmp_path / "store"
    key, public, other = (tmp_path / name for name in ("la.key", "la.pem", "other.pem"))
    public.write_text(node_keys.keep_new(key))
    other.write_text(node_keys.keep_new(tmp_path / "other.key"))

    def trust(path):
        return CliRunner().invoke(app, ["exact", "trust", "LA", str(path), "--store", str(store)])

    assert "there is no exact store" in str(trust(public).exception)
    store.mkdir()
    assert "private key" in str(trust(key).exception)
    assert list(store.iterdir()) == []
    assert "until now" not in trust(public).stdout
    assert "another key of LA was trusted until now" in trust(other).stdout
    assert (store / "nodes" / "LA.pem").read_text() == other.read_text()


def test_a_release_that_is_missing_or_of_another_version_says_what_to_do(tmp_path):
    assert "`biodata release` makes one" in str(NoReleaseError())
    file = tmp_path / "release-r1.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("CREATE TABLE occurrences (key BIGINT)")
    with pytest.raises(StoreError, match="another version of biodata"):
        releases.read(releases.Release("r1", file, 1, ""), "occurrences")

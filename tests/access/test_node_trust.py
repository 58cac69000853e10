"""Whose key is trusted: one key for one country, and the one that the node itself told of."""

import pytest
from typer.testing import CliRunner

from biodata.access import nodes
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.formats import node_keys
from biodata.store.registry import Registry


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "node-LA.pub"
    path.write_text(node_keys.public_of(node_keys.new_key()))
    return path


@pytest.fixture
def registry(tmp_path):
    with Registry.open(Settings(data=tmp_path / "hub")) as opened:
        yield opened


def test_a_key_speaks_for_one_country_alone_also_after_it_is_not_trusted_any_more(registry, key):
    nodes.trust(registry, "LA", key)
    for _ in range(2):
        with pytest.raises(InputError, match="key of the node of LA") as caught:
            nodes.trust(registry, "CN", key)
        assert (caught.value.file, caught.value.code) == (str(key), "NODE_EXISTS")
        assert [line.split("\t")[0] for line in nodes.node_lines(registry)] == ["LA"]
        nodes.distrust(registry, "LA")
        nodes.trust(registry, "LA", key)


def test_the_installation_s_own_key_is_no_other_country_s(registry, tmp_path):
    own = nodes.new_node(registry, tmp_path / "hub", "LA")
    with pytest.raises(InputError, match="key of the node of LA"):
        nodes.trust(registry, "CN", own)


def test_another_key_than_the_node_told_of_is_refused(registry, key):
    told = node_keys.fingerprint(key.read_text())
    with pytest.raises(InputError, match="another fingerprint") as caught:
        nodes.trust(registry, "LA", key, compared="00" * 32)
    assert (caught.value.value, caught.value.expected) == ("00" * 32, told)
    assert nodes.node_lines(registry) == []
    spoken = ":".join(told[n : n + 2] for n in range(0, 64, 2)).upper() + " "
    assert nodes.trust(registry, "LA", key, compared=spoken) == told


def test_the_command_tells_to_compare_the_fingerprint_until_somebody_did(tmp_path, key):
    told = node_keys.fingerprint(key.read_text())
    command = ["node", "trust", "la", str(key), "--data", str(tmp_path / "data")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert told in done.output
    assert "biodata node distrust LA" in done.output
    done = CliRunner().invoke(app, [*command, "--fingerprint", told])
    assert done.exit_code == 0, done.output
    assert "compared" not in done.output

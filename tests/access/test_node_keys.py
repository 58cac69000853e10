"""Keys of nodes, and a signed folder of which every byte counts: what is flipped, cut, added or renamed is refused."""

import hashlib
from pathlib import Path

import pytest

from biodata.core.errors import InputError
from biodata.formats import node_keys
from biodata.pipeline.node_harvest import RECORDS, check_files

CONTENT = b"PAR1 as if it were records PAR1"


@pytest.fixture
def key() -> bytes:
    return node_keys.new_key()


@pytest.fixture
def folder(tmp_path, key) -> Path:
    (tmp_path / RECORDS).write_bytes(CONTENT)
    told = dict.fromkeys(node_keys._FIELDS, "1")
    facts = {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest(), "rows": 1}
    told |= {"format": node_keys.FORMAT, "node": "LA", "sequence": 1, "files": {RECORDS: facts}}
    node_keys.write_manifest(tmp_path, told, key)
    return tmp_path


def taken(folder: Path, key: bytes) -> bool:
    try:
        check_files(folder, node_keys.read_manifest(folder, public_pem=node_keys.public_of(key)).told)
    except InputError:
        return False
    return True


def mutants(content: bytes):
    for place in range(len(content)):
        for bit in range(8):
            yield content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]
        yield content[:place]
        yield content[:place] + content[place + 1 :]
        yield content[:place] + b" " + content[place:]
    yield content + b"\n"
    yield content + b"\0"


@pytest.mark.parametrize("name", [node_keys.MANIFEST, node_keys.SIGNATURE, RECORDS])
def test_every_flipped_cut_or_added_byte_is_refused(folder, key, name):
    assert taken(folder, key)
    content = (folder / name).read_bytes()
    for changed in mutants(content):
        (folder / name).write_bytes(changed)
        assert not taken(folder, key), changed
    (folder / name).write_bytes(content)
    assert taken(folder, key)


def test_files_that_changed_names_are_refused(folder, key):
    for a, b in ((RECORDS, "other.parquet"), (node_keys.SIGNATURE, "manifest.sig2"), (node_keys.MANIFEST, RECORDS)):
        before = (folder / b).read_bytes() if (folder / b).exists() else None
        (folder / a).rename(folder / b)
        assert not taken(folder, key)
        (folder / b).rename(folder / a)
        if before is not None:
            (folder / b).write_bytes(before)
    assert taken(folder, key)
    (folder / RECORDS).rename(folder / "elsewhere")
    (folder / RECORDS).symlink_to(folder / "elsewhere")
    assert not taken(folder, key)


def test_a_signature_is_of_one_purpose_and_one_text(key):
    signature, public = node_keys.sign(b"consent\n", b"agree", key), node_keys.public_of(key)
    assert node_keys.holds(b"consent\n", b"agree", signature, public)
    assert not node_keys.holds(b"grant\n", b"agree", signature, public)
    assert not node_keys.holds(b"consent\n", b"refuse", signature, public)
    assert not node_keys.holds(b"consent\n", b"agree", signature, node_keys.public_of(node_keys.new_key()))
    assert not node_keys.holds(b"consent\n", b"agree", signature, "no key")


def test_a_key_is_never_written_over_and_only_its_owner_reads_it(tmp_path):
    public = node_keys.keep_new(tmp_path / "la.pem")
    assert (tmp_path / "la.pem").stat().st_mode & 0o777 == 0o600
    assert node_keys.public_of((tmp_path / "la.pem").read_bytes()) == public
    with pytest.raises(InputError, match="never written over"):
        node_keys.keep_new(tmp_path / "la.pem")
    with pytest.raises(InputError, match="never leave"):
        node_keys.read_public((tmp_path / "la.pem").read_text(), file="la.pem")

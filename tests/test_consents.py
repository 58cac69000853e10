"""What several countries share stays a draft until each of their nodes agreed, whatever becomes of a node's key."""

import json

import polars as pl
import pytest

from biodata.access import nodes
from biodata.formats import manifests
from biodata.settings import Settings
from biodata.store.consents import Consents, answer
from biodata.store.registry import Registry

OUTPUT = {"candidate_id": "c1", "country_codes": ["CN", "LA"], "evidence": "{}"}


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


def trusted(registry, tmp_path, code):
    file = tmp_path / f"{code}.pub"
    file.write_text(manifests.public_of(manifests.new_key()))
    nodes.trust(registry, code, file)


def public(registry, settings):
    frame = pl.DataFrame([OUTPUT], schema_overrides={"country_codes": pl.List(pl.String)})
    return Consents.read(registry, settings).public("reserve_candidates", frame)


def test_what_a_node_refused_stays_a_draft_when_its_key_is_trusted_no_longer(settings, tmp_path):
    with Registry.open(settings) as registry:
        assert json.loads(public(registry, settings)["evidence"][0])["consent"]["said"].startswith("nobody was asked")
        trusted(registry, tmp_path, "LA")
        with registry.session() as session, session.begin():
            answer(session, OUTPUT, "reserve_candidates", "LA", "refuse", note="", by="the node")
        assert public(registry, settings).is_empty()
        nodes.distrust(registry, "LA")
        assert public(registry, settings).is_empty()

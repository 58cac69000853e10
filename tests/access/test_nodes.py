"""Two countries keep their records at home, and a hub without any exact sensitive place finds what they share."""

import base64
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from biodata import pipeline, runs
from biodata.access import consent, nodes
from biodata.core import terms
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.core.terms import Reach
from biodata.formats import node_keys
from biodata.store import releases
from biodata.store.account_models import Node
from biodata.store.lake import Lake
from biodata.store.models import AuditEntry
from biodata.store.registry import Registry
from rule_files import put_rules, rules_text

pytestmark = pytest.mark.usefixtures("few_boundaries")
LAYER = "landcover_china_laos"
PRECISE = [c.name for c in terms.OCCURRENCE if c.reach is Reach.PRECISE]
SENSITIVE = pl.col("sharing_category") != "open"


def of_country(sample_data: Path, code: str, folder: Path) -> Path:
    """Write the sample's records of one country, near the layer, into a file of their own."""
    with zipfile.ZipFile(sample_data / "occurrences_gbif.zip") as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") or n.endswith(".txt"))
        text = packed.read(name).decode()
    frame = pl.read_csv(io.StringIO(text), separator="\t", infer_schema=False, quote_char=None)
    path = folder / f"{code}.csv"
    y, x = (pl.col(name).cast(pl.Float64, strict=False) for name in ("decimalLatitude", "decimalLongitude"))
    # What lies in and around the layer's window: the rest would take the greater part of the time and tell nothing.
    near = y.is_between(20, 23.5) & x.is_between(99, 103.5)
    frame.filter(pl.col("countryCode") == code, near).write_csv(path, separator="\t", quote_style="never")
    return path


def new_node(folder: Path, sample_data: Path, code: str) -> Settings:
    """Return a node with its country's records, rules, key and release."""
    settings = Settings(data=folder / code, memory_limit="500MB")
    settings.data.mkdir()
    put_rules(settings, (sample_data / "sensitive_species.csv").read_text())
    pipeline.ingest("checklist", [sample_data / "checklist.csv"], settings)
    pipeline.ingest("gbif", [of_country(sample_data, code, folder)], settings)
    pipeline.release(settings)
    with Registry.open(settings) as registry:
        nodes.new_node(registry, settings.data, code)
    return settings


@pytest.fixture(scope="module")
def countries(tmp_path_factory, sample_data) -> dict[str, Settings]:
    folder = tmp_path_factory.mktemp("nodes")
    return {code: new_node(folder, sample_data, code) for code in ("LA", "CN")}


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory, countries) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    for code, settings in countries.items():
        nodes.export_node(settings, folder / code)
    return {code: folder / code for code in countries}


@pytest.fixture(scope="module")
def hub(tmp_path_factory, sample_data, countries, handed_over) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("hub") / "data", memory_limit="500MB")
    settings.data.mkdir()
    put_rules(settings, (sample_data / "sensitive_species.csv").read_text())
    trusting(settings, countries)
    for folder in handed_over.values():
        pipeline.ingest("node", [folder], settings)
    pipeline.ingest("checklist", [sample_data / "checklist.csv"], settings)
    pipeline.ingest("protected-areas", [sample_data / "protected_areas.geojson"], settings)
    pipeline.ingest("layer", [sample_data / "layers" / f"{LAYER}.tif"], settings)
    asked = runs.Corridors(layer=LAYER, resistance=sample_data / "resistance.csv", as_of="2026-01-01", cell_m=2000.0)
    runs.find_corridors(settings, asked)
    pipeline.release(settings)
    made = releases.current(settings.data)
    assert made is not None
    drafts = [one for one in consent.outputs(settings) if one.table == "reserve_candidates"]
    assert drafts
    assert all(one.states == {"CN": "silent", "LA": "silent"} for one in drafts)
    assert releases.read(made, "reserve_candidates").is_empty(), "a draft was told before anybody agreed"
    answer(settings, countries, drafts[0].name, "LA", "agree")
    answer(settings, countries, drafts[0].name, "CN", "ask", note="which records?")
    asked = next(one for one in consent.outputs(settings) if one.name == drafts[0].name)
    assert (asked.states, asked.public) == ({"CN": "ask", "LA": "agree"}, False), "one of two agreed"
    answer(settings, countries, drafts[0].name, "CN", "agree")
    with pytest.raises(InputError, match="not asked"):
        answer(settings, countries, drafts[0].name, "VN", "refuse")
    pipeline.release(settings)
    return settings


def answer(hub: Settings, countries: dict[str, Settings], name: str, country: str, given: str, note: str = "") -> None:
    """Answer as a country's node does: what is agreed to is signed at home."""
    with Registry.open(hub) as registry:
        told, signature = consent.look(registry, None, name, hub.consent), None
        if given == "agree":
            text = consent.text_of(told, country, given, note)
            signature = nodes.sign_consent(countries[country].data, text)
        consent.give(registry, None, name, country, given, required=hub.consent, note=note, signature=signature)


def trusting(settings: Settings, countries: dict[str, Settings]) -> None:
    with Registry.open(settings) as registry:
        for code, node in countries.items():
            nodes.trust(registry, code, node.data / f"node-{code}.pub")


def exact_places(settings: Settings) -> pl.DataFrame:
    """Return the exact places of a node's records that its release does not have as they are."""
    made = releases.current(settings.data)
    assert made is not None
    is_open = releases.read(made, "occurrences").filter(~SENSITIVE).select("key")
    with Lake.open(settings.data) as lake:
        kept = lake.read(
            "occurrences", columns=["key", "decimalLatitude", "decimalLongitude", "occurrenceID", "species"]
        )
    return kept.join(is_open, on="key", how="anti").drop_nulls("decimalLatitude")


@pytest.mark.timeout(900)  # the first to ask makes two nodes, a hub and the compiled parts of an analysis
def test_the_hub_publishes_a_two_sided_candidate_without_an_exact_sensitive_place(hub, countries):
    made = releases.current(hub.data)
    assert made is not None
    candidates = releases.read(made, "reserve_candidates")
    two_sided = candidates.filter(pl.col("country_codes").list.set_intersection(["CN", "LA"]).list.len() == 2)
    assert two_sided.height == candidates.height == 1
    told = json.loads(two_sided["evidence"][0])["consent"]
    assert told["said"] == "agreed by the national nodes of CN, LA"
    assert told["answers"] == {"CN": "agree", "LA": "agree"}
    assert set(told["signed"]) == {"CN", "LA"}
    with Lake.open(hub.data) as lake:
        kept = lake.read("occurrences")
    assert set(kept["node"]) == {"CN", "LA"}
    hidden = pl.concat([exact_places(settings) for settings in countries.values()])
    assert hidden.height > 10
    for row in hidden.iter_rows(named=True):
        near = kept.filter(
            pl.col("species") == row["species"],
            (pl.col("decimalLatitude") - row["decimalLatitude"]).abs() < 1e-4,
            (pl.col("decimalLongitude") - row["decimalLongitude"]).abs() < 1e-4,
        )
        assert near.is_empty(), row["key"]
    names = [name.encode() for name in hidden["occurrenceID"].drop_nulls()]
    texts = [f"{v}".encode() for c in ("decimalLatitude", "decimalLongitude") for v in hidden[c] if len(f"{v}") > 7]
    assert texts
    for path in hub.data.rglob("*"):
        if path.is_file() and path.suffix in {".json", ".csv", ".sqlite", ".txt", ".jsonl"}:
            # A moment such as 08:22:22.097158 may hold the figures of a place by chance.
            content = re.sub(rb"\d\d:\d\d:\d\d\.\d{6}", b"", path.read_bytes())
            assert not [text for text in (*names, *texts) if text in content], path.name


def test_what_a_node_had_made_coarser_is_published_as_it_came(hub, handed_over):
    made = releases.current(hub.data)
    assert made is not None
    shown = releases.read(made, "occurrences")
    told = [*terms.names(terms.SHARING), "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters"]
    told += ["countryCode", "country_codes", "province_code", "informationWithheld", "dataGeneralizations", "species"]
    came = pl.concat(
        pl.read_parquet(folder / nodes.RECORDS).with_columns(own=pl.format("{}:{}", pl.lit(code), "key"))
        for code, folder in handed_over.items()
    )
    with Lake.open(hub.data) as lake:
        kept = lake.read("occurrences", columns=["source_record_id"])["source_record_id"]
    left = came.filter(~pl.col("own").is_in(kept.implode()))
    assert shown.height == came.height - left.height
    # A misspelt name may be any listed one here: what its source stated, by which the node knew better, stays at home.
    assert left["match_type"].to_list() == ["FUZZY"] * 6
    assert left.filter(SENSITIVE).is_empty()
    drop = [name for name in told if name not in ("sharing_rule", "country_codes")]
    first = came.filter(SENSITIVE).select(drop).sort(drop)
    assert first.height
    assert first.equals(shown.filter(SENSITIVE).select(drop).sort(drop))
    assert shown.filter(SENSITIVE)["sharing_rule"].str.contains("^(CN|LA): ").all()
    found = shown.filter(SENSITIVE).select(PRECISE).null_count().sum_horizontal().item()
    assert found == shown.filter(SENSITIVE).height * len(PRECISE)


def test_an_export_holds_only_the_node_s_own_country_and_adds_up(handed_over):
    for code, folder in handed_over.items():
        told = json.loads((folder / node_keys.MANIFEST).read_text())
        records = pl.read_parquet(folder / nodes.RECORDS)
        assert set(records["countryCode"].drop_nulls()) == {code}
        assert told["counts"]["records"] == records.height == told["files"][nodes.RECORDS]["rows"]


@pytest.fixture
def copy(handed_over, tmp_path) -> Path:
    return Path(shutil.copytree(handed_over["LA"], tmp_path / "LA"))


@pytest.fixture
def second_hub(tmp_path, countries) -> Settings:
    settings = Settings(data=tmp_path / "hub", memory_limit="500MB")
    trusting(settings, {"LA": countries["LA"]})
    return settings


def resigned(folder: Path, private: bytes, **changed) -> None:
    told = json.loads((folder / node_keys.MANIFEST).read_text())
    node_keys.write_manifest(folder, {**told, **changed}, private)


def change_manifest(folder: Path) -> None:
    path = folder / node_keys.MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"records":', b'"records": ', 1))


def sign_by_another(folder: Path) -> None:
    resigned(folder, node_keys.new_key())


def change_file(folder: Path) -> None:
    path = folder / nodes.RECORDS
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def rename_node(folder: Path) -> None:
    told = json.loads((folder / node_keys.MANIFEST).read_text())
    (folder / node_keys.MANIFEST).write_bytes(node_keys.canonical({**told, "node": "CN"}))


TAMPERED = {
    "a changed manifest": (change_manifest, "MANIFEST_TAMPERED", node_keys.SIGNATURE),
    "another's signature": (sign_by_another, "MANIFEST_TAMPERED", node_keys.SIGNATURE),
    "no signature": (lambda f: (f / node_keys.SIGNATURE).unlink(), "MANIFEST_INVALID", node_keys.SIGNATURE),
    "a signature that is none": (lambda f: (f / node_keys.SIGNATURE).write_bytes(base64.b64encode(b"0" * 64)),
                                 "MANIFEST_TAMPERED", node_keys.SIGNATURE),
    "a changed file": (change_file, "MANIFEST_TAMPERED", nodes.RECORDS),
    "a missing file": (lambda f: (f / nodes.RECORDS).unlink(), "MANIFEST_TAMPERED", nodes.RECORDS),
    "an extra file": (lambda f: (f / "more.parquet").write_bytes(b"1"), "MANIFEST_TAMPERED", "more.parquet"),
    "another node's name": (rename_node, "NODE_UNKNOWN", node_keys.MANIFEST),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_is_not_as_the_node_signed_it_is_refused_by_name_and_changes_nothing(copy, second_hub, what):
    change, code, file = TAMPERED[what]
    change(copy)
    with pytest.raises(InputError, match=file) as caught:
        pipeline.ingest("node", [copy], second_hub)
    assert caught.value.code == code
    with Lake.open(second_hub.data) as lake:
        assert lake.count("occurrences") == 0
    with Registry.open(second_hub) as registry, registry.session() as session:
        assert session.get_one(Node, "LA").sequence == 0


def test_records_that_a_node_signed_but_must_not_share_are_refused_with_row_and_column(copy, second_hub, countries):
    private = (countries["LA"].data / nodes.KEY_FILE).read_bytes()
    path = copy / nodes.RECORDS
    records = pl.read_parquet(path)
    faults = {
        "decimalLatitude": pl.when(SENSITIVE).then(pl.col("decimalLatitude") + 0.01).otherwise("decimalLatitude"),
        "locality": pl.lit("at the lick"),
        "countryCode": pl.lit("CN"),
        "sharing_category": pl.lit("secret"),
    }
    for number, (column, wrong) in enumerate(faults.items(), start=1):
        records.with_columns(wrong.alias(column)).write_parquet(path)
        content = path.read_bytes()
        told = json.loads((copy / node_keys.MANIFEST).read_text())["files"]
        facts = {"sha256": node_keys.hashlib.sha256(content).hexdigest(), "bytes": len(content), "rows": records.height}
        resigned(copy, private, sequence=number, files={**told, nodes.RECORDS: facts})
        with pytest.raises(InputError) as caught:
            pipeline.ingest("node", [copy], second_hub)
        assert (caught.value.code, caught.value.column) == ("NODE_RECORD_INVALID", column)
        assert caught.value.row is not None
        assert caught.value.value is None


def test_what_a_node_no_longer_shares_is_gone_at_the_next_harvest_and_an_older_manifest_is_refused(
    tmp_path, second_hub, countries, handed_over, sample_data
):
    first = pipeline.ingest("node", [handed_over["LA"]], second_hub)[0]
    assert first.stored == first.rows > 0
    again = pipeline.ingest("node", [handed_over["LA"]], second_hub)[0]
    assert (again.stored, again.unchanged, again.gone) == (0, first.rows, 0)
    node = Settings(data=Path(shutil.copytree(countries["LA"].data, tmp_path / "LA")), memory_limit="500MB")
    with Lake.open(node.data) as lake:
        name = (
            lake.read("occurrences", columns=["species"])["species"].drop_nulls().value_counts(sort=True)["species"][0]
        )
    rules = rules_text(node)
    heading = rules.splitlines()[0].split(",")
    values = {"rule_id": "taken-back", "source": "test", "scientificName": name, "rank": "SPECIES",
              "category": "withheld", "reason": "taken back"}  # fmt: skip
    put_rules(node.data, rules + ",".join(values.get(h, "") for h in heading) + "\n")
    with pytest.raises(StoreError, match="other sharing rules"):
        nodes.export_node(node, tmp_path / "stale")
    assert not (tmp_path / "stale").exists()
    pipeline.release(node)
    made = nodes.export_node(node, tmp_path / "next")
    assert made.sequence == 2
    next_one = pipeline.ingest("node", [tmp_path / "next"], second_hub)[0]
    assert next_one.gone == first.rows - next_one.rows > 0
    with Lake.open(second_hub.data) as lake:
        assert name not in set(lake.read("occurrences", columns=["species"])["species"])
    with pytest.raises(InputError, match="comes before") as caught:
        pipeline.ingest("node", [handed_over["LA"]], second_hub)
    assert caught.value.code == "MANIFEST_OLDER"
    with Registry.open(second_hub) as registry:
        assert registry.first_broken_audit_entry() is None
        with registry.session() as session:
            assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all() == [
                "sharing rules written", "node trust", "node harvest", "withdraw", "node harvest",
            ]  # fmt: skip


def test_the_hub_s_own_stricter_rule_holds_before_a_record_comes_into_its_lake(tmp_path, second_hub, handed_over):
    came = pl.read_parquet(handed_over["LA"] / nodes.RECORDS)
    name = came.filter(~SENSITIVE)["species"].drop_nulls().value_counts(sort=True)["species"][0]
    rare = came.filter(SENSITIVE)["species"].drop_nulls()[0]
    rules = f"rule_id,scientificName,category,reason\nours,{name},1_degree,hub\nrare,{rare},1_degree,hub\n"
    put_rules(second_hub.data, rules)
    pipeline.ingest("node", [handed_over["LA"]], second_hub)
    with Lake.open(second_hub.data) as lake:
        kept = lake.read("occurrences")
    for species in (name, rare):
        rows = kept.filter(pl.col("species") == species)
        shared = rows["shared_as"].struct.unnest()
        assert set(shared["category"]) == {"1_degree"}
        placed = rows.filter(pl.col("decimalLatitude").is_not_null())["shared_as"].struct.unnest()
        assert placed.height
        assert (placed["cell_east"] - placed["cell_west"]).min() >= 1
        assert rows.select(name for name in PRECISE).null_count().sum_horizontal().item() == rows.height * len(PRECISE)
    pipeline.release(second_hub)


def test_a_key_that_others_can_read_signs_nothing(tmp_path, countries):
    node = Settings(data=Path(shutil.copytree(countries["LA"].data, tmp_path / "LA")))
    assert (node.data / nodes.KEY_FILE).stat().st_mode & 0o777 == 0o600
    (node.data / nodes.KEY_FILE).chmod(0o644)
    with pytest.raises(StoreError, match="0600"):
        nodes.export_node(node, tmp_path / "out")
    with Registry.open(node) as registry, pytest.raises(InputError, match="private key"):
        nodes.trust(registry, "CN", node.data / nodes.KEY_FILE)

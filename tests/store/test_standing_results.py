"""Results of runs in a release: those that other rules, or a record that is hidden today, made untellable stay behind."""

import json
import shutil
import threading

import polars as pl
import pytest
import shapely
from typer.testing import CliRunner

import store_records
from biodata import assessments, pipeline, places
from biodata.cli import app
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.runs import results, standing
from biodata.runs.reading import EVIDENCE_COLUMNS
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force
from biodata.store.sharing_rules import rules_of
from rule_files import put_rules

pytestmark = pytest.mark.usefixtures("few_boundaries")
COMMON, RARE, OUTSIDE = "Capricornis milneedwardsii", "Nomascus nasutus", "Muntiacus vaginalis"
RUN = "layer-0123456789ab"
RULES = f"rule_id,category,reason,scientificName\nrare,0_1_degree,hunted,{RARE}\n"
ROWS = [("field", "1", COMMON, 22.9, 106.52), ("field", "2", RARE, 22.91, 106.53)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An installation with a run's candidate, made of what is published under its rules; tests copy it."""
    made = Settings(data=tmp_path_factory.mktemp("standing") / "data")
    made.data.mkdir()
    made_under(made, RULES)
    with Lake.open(made.data) as lake:
        store_records.commit(lake, ROWS)
    run(made)
    return made


@pytest.fixture(scope="module")
def made_and_read(made, tmp_path_factory):
    """An installation with a record outside of its run's window, and a release with the candidate."""
    settings = Settings(data=tmp_path_factory.mktemp("read") / "data")
    shutil.copytree(made.data, settings.data)
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, [*ROWS, ("field", "3", OUTSIDE, 18.0, 103.0)])
    run(settings)
    assert released(settings)[0] == 1
    return settings


@pytest.fixture
def settings(made, tmp_path):
    shutil.copytree(made.data, tmp_path / "data")
    return Settings(data=tmp_path / "data")


def made_under(settings: Settings, rules: str) -> None:
    put_rules(settings.data, rules)


def run(settings: Settings, view: str = "public") -> None:
    """Put a candidate into the lake as a run under today's rules does."""
    with Lake.open(settings.data) as lake:
        facts = {"rules": rules_of(settings).hash, "snapshot": lake.snapshot()}
        row = {"candidate_id": "layer-candidate-1", "run_id": RUN, "country_codes": ["CN", "VN"],
               "evidence": json.dumps({"run": facts}), "evidence_view": view, "sharing_category": "open",
               "geometry": shapely.to_wkb(shapely.box(106.4, 22.8, 106.7, 23.0))}  # fmt: skip
        frame = terms.conform(pl.DataFrame([row]), terms.CANDIDATE)
        lake.commit_table("reserve_candidates", frame, key="candidate_id", scope={}, author="a test", message="a run")
    read(settings)


def told(settings: Settings) -> tuple[int, str]:
    """Return how many candidates a release would have now, and why others stay here."""
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data) as lake:
        rules = rules_in_force(settings, lake)
        shown = assessments.published_results(lake, "reserve_candidates", rules=rules, boundaries=boundaries)
    return shown.height, "\n".join(line for held in standing.held_runs(settings) for line in held.lines())


def released(settings: Settings) -> tuple[int, str]:
    """Make a release; return its candidates and what the command says."""
    done = CliRunner().invoke(app, ["release", "--data", str(settings.data)])
    assert done.exit_code == 0, done.output
    return releases.read(releases.current(settings.data), "reserve_candidates").height, done.output


def test_a_result_is_told_under_the_rules_of_its_run(settings):
    assert told(settings)[0] == 1
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, [*ROWS, ("field", "3", RARE, 22.95, 106.55)])
        assert lake.changed_at("occurrences") == lake.snapshot()
    assert told(settings)[0] == 1, "a record that came since plays no part"


def test_under_other_rules_it_stays_until_its_run_is_made_again(settings):
    made_under(settings, RULES + f"common,withheld,hunted too,{COMMON}\n")
    count, said = released(settings)
    assert count == 0
    assert "1 reserve candidates" in said
    assert "stay here" in said
    assert f"coarser today, or not at all: {COMMON}" in said
    run(settings)
    count, said = released(settings)
    assert (count, "stay here" in said) == (1, False)


WINDOW = (106.4, 22.8, 106.7, 23.0)


def read(settings: Settings) -> None:
    """Keep what the fixture's run read: the records of its window, as they are told."""
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data) as lake:
        rules = rules_in_force(settings, lake)
        records = assessments.in_view(
            settings, lake, rules, boundaries, view=EvidenceView.PUBLIC, columns=EVIDENCE_COLUMNS, window=WINDOW
        )
    assessments.remember(settings.data, RUN, records)


@pytest.mark.parametrize(("rules", "why"), [
    pytest.param(f"{RULES}new,withheld,hunted too,{COMMON}\n", COMMON, id="a record that it read"),
    pytest.param(RULES.replace("0_1_degree", "1_degree"), RARE, id="a coarse one is to be coarser"),
    pytest.param(f"{RULES}new,withheld,hunted too,{OUTSIDE}\n", None, id="records outside its window alone"),
    pytest.param(RULES.splitlines()[0] + "\n", None, id="a rule fewer"),
])  # fmt: skip
def test_a_rule_holds_back_the_results_of_runs_that_read_what_it_hides(made_and_read, tmp_path, rules, why):
    """By the records that the run read, wherever they lie in its window and whatever its results name."""
    settings = Settings(data=tmp_path / "data")
    shutil.copytree(made_and_read.data, settings.data)
    made_under(settings, rules)
    found, said = told(settings)
    assert found == (0 if why else 1)
    assert said == "" if why is None else f"coarser today, or not at all: {why}" in said


def test_where_nobody_knows_what_a_run_read_it_is_held_back(settings):
    made_under(settings, f"{RULES}new,withheld,hunted too,Sus scrofa\n")
    assert told(settings)[0] == 1
    (kept,) = (settings.data / "run_reads").iterdir()
    kept.write_bytes(kept.read_bytes()[:20])
    assert told(settings)[0] == 0


def test_a_record_that_is_gone_takes_the_results_of_who_read_it_with_it(settings):
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, ROWS[1:], complete_datasets={"field"})
    found, said = told(settings)
    assert (found, "records that are gone" in said) == (0, True)


def test_what_was_found_by_records_over_a_run_leaves_its_corridors(settings):
    """A corridor rests on no record; the test of it by records does, and its counts would go on telling of them."""
    with Lake.open(settings.data) as lake:
        facts = {"rules": rules_of(settings).hash, "snapshot": lake.snapshot()}
        told_of = {"run": facts, "findings": {"validation": {"records": 1}, "uncertainty": {"least": 2}}}
        row = {"corridor_id": "layer-corridor-1", "run_id": RUN, "country_codes": ["CN", "VN"],
               "evidence": json.dumps(told_of), "sharing_category": "open",
               "geometry": shapely.to_wkb(shapely.box(*WINDOW))}  # fmt: skip
        frame = terms.conform(pl.DataFrame([row]), terms.CORRIDOR)
        lake.commit_table("corridors", frame, key="corridor_id", scope={}, author="a test", message="a run")

    def findings() -> set[str]:
        released(settings)
        (evidence,) = releases.read(releases.current(settings.data), "corridors")["evidence"]
        return set(json.loads(evidence)["findings"])

    assert findings() == {"validation", "uncertainty"}
    made_under(settings, f"{RULES}new,withheld,hunted too,{COMMON}\n")
    assert findings() == {"uncertainty"}


def test_what_is_found_over_a_run_reads_records_for_it(tmp_path):
    """Of a record that was read twice the more exact one counts; over a run that nobody knows of nothing is kept."""
    view = pl.DataFrame({"key": [1, 2], "sharing_category": ["0_1_degree", "open"]})
    assessments.remember(tmp_path, RUN, view)
    view = pl.DataFrame({"key": [1, 2, 3], "sharing_category": ["open", "0_1_degree", "1_degree"]})
    assessments.remember(tmp_path, RUN, view, more=True)
    kept = pl.read_parquet(tmp_path / "run_reads" / f"{RUN}.parquet")
    assert dict(kept.select("key", "strictness").iter_rows()) == {1: 0, 2: 0, 3: SharingCategory("1_degree").strictness}
    assessments.remember(tmp_path, "another", view, more=True)
    assessments.forget(tmp_path, [RUN, "another"])
    assert not list((tmp_path / "run_reads").iterdir())


@pytest.mark.parametrize(("name", "count"), [(RARE, 0), ("Muntiacus vaginalis", 1)])
def test_a_record_that_is_hidden_since_takes_its_results_with_it(settings, name, count):
    """Its name is corrected: what was open when the run read it is hidden under the same rules."""
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, [("field", "1", name, 22.9, 106.52), ROWS[1]])
    assert told(settings)[0] == count


def test_a_checklist_that_came_since_takes_the_results_of_what_it_makes_sensitive_with_it(settings):
    """The rules are the same: today a checklist says that the records' name is one of the hidden taxon."""
    with Lake.open(settings.data) as lake:
        row = {"key": "x", "checklist": "x", "taxon_id": "x:1", "scientificName": RARE, "synonyms": [COMMON]}
        taxa = terms.conform(pl.DataFrame([row | {"taxonomicStatus": "ACCEPTED"}]), terms.TAXON)
        lake.commit_table(
            "taxa", taxa, key="taxon_id", scope={"checklist": "x"}, author="a test", message="a checklist"
        )
    assert told(settings)[0] == 0


def test_a_protected_area_that_was_drawn_anew_takes_the_results_of_its_records_with_it(settings):
    made_under(
        settings,
        f"rule_id,category,reason,scientificName,area_id\nrare,0_1_degree,hunted,{RARE},\narea,withheld,holy,{COMMON},wdpa:1\n",
    )
    drawn(settings, 110.0)
    run(settings)
    assert told(settings)[0] == 1
    drawn(settings, 106.4)
    assert told(settings)[0] == 0


def drawn(settings: Settings, west: float) -> None:
    row = {"area_id": "wdpa:1", "geometry": shapely.to_wkb(shapely.box(west, 22.8, west + 0.3, 23.0))}
    with Lake.open(settings.data) as lake:
        areas = terms.conform(pl.DataFrame([row]), terms.PROTECTED_AREA)
        lake.commit_table("protected_areas", areas, key="area_id", scope=None, author="a test", message="an area")


def test_a_hidden_record_beside_an_open_one_changes_nothing_of_what_was_made_of_that(settings):
    """A run read the open record exactly; since then a hidden one was recorded at the same place on the same day."""
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, [*ROWS, ("field", "3", RARE, 22.9, 106.52)])
    assert told(settings)[0] == 1


def test_what_was_made_of_exact_records_is_told_apart_from_what_is_out_of_date(settings):
    run(settings, "exact")
    count, said = released(settings)
    assert count == 0
    assert "1 reserve candidates were made of exact records" in said
    assert "other sharing rules" not in said
    exact = results.read_results(settings, "reserve_candidates", exact=True)
    assert exact["evidence_view"].to_list() == ["exact"]
    for countries, seen in (("CN VN", 1), ("VN", 0), ("CN LA", 0)):
        reviewed = set(countries.split()).__contains__
        assert results.read_results(settings, "reserve_candidates", exact=True, reviewed=reviewed).height == seen
    assert pipeline.release(settings).counts["reserve_candidates"] == 0


def test_of_two_runs_that_end_at_once_none_is_lost(settings, monkeypatch):
    """The second ends while the first reads what stands there already."""

    def ends(place: str) -> None:
        with Lake.open(settings.data) as lake:
            row = lake.read("reserve_candidates").head(1).with_columns(candidate_id=pl.lit(f"{place}-candidate-1"))
            results.commit(lake, {"reserve_candidates": row}, place, alone=False)

    other = threading.Thread(target=ends, args=("east",))
    read = Lake.read

    def meanwhile(lake, table, **asked):
        found = read(lake, table, **asked)
        if threading.current_thread() is threading.main_thread() and not other.ident:
            other.start()
            other.join(1)  # without a lock it is done by then
        return found

    with Lake.open(settings.data) as lake:
        row = lake.read("reserve_candidates").head(1).with_columns(candidate_id=pl.lit("west-candidate-1"))
        with monkeypatch.context() as changed:
            changed.setattr(Lake, "read", meanwhile)
            results.commit(lake, {"reserve_candidates": row}, "west", alone=False)
    other.join()
    with Lake.open(settings.data) as lake:
        assert {"west-candidate-1", "east-candidate-1"} <= set(lake.read("reserve_candidates")["candidate_id"])

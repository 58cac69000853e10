"""Results of runs in a release: those that other rules, or a record that is hidden today, made untellable stay behind."""

import json
import threading

import polars as pl
import pytest
import shapely
from typer.testing import CliRunner

import store_records
from biodata import assessments, pipeline, sharing, terms
from biodata.cli import app
from biodata.runs import results
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake

COMMON, RARE = "Capricornis milneedwardsii", "Nomascus nasutus"
RULES = f"rule_id,category,reason,scientificName\nrare,0_1_degree,hunted,{RARE}\n"
ROWS = [("field", "1", COMMON, 22.9, 106.52), ("field", "2", RARE, 22.91, 106.53)]


@pytest.fixture
def settings(tmp_path):
    """An installation with a run's candidate, made of what is published under its rules."""
    made = Settings(data=tmp_path / "data")
    made.data.mkdir()
    made_under(made, RULES)
    with Lake.open(made.data) as lake:
        store_records.commit(lake, ROWS)
    run(made)
    return made


def made_under(settings: Settings, rules: str) -> None:
    (settings.data / "sharing_rules.csv").write_text(rules, encoding="utf-8")


def run(settings: Settings, view: str = "public") -> None:
    """Put a candidate into the lake as a run under today's rules does."""
    with Lake.open(settings.data) as lake:
        facts = {"rules": sharing.RuleSet.read(settings.rules_file).hash, "snapshot": lake.snapshot()}
        row = {
            "candidate_id": "layer-candidate-1", "run_id": "layer-0123456789ab", "country_codes": ["CN", "VN"],
            "evidence": json.dumps({"run": facts}), "evidence_view": view, "sharing_category": "open",
            "geometry": shapely.to_wkb(shapely.box(106.4, 22.8, 106.7, 23.0)),
        }  # fmt: skip
        frame = terms.conform(pl.DataFrame([row]), terms.CANDIDATE)
        lake.commit_table("reserve_candidates", frame, key="candidate_id", scope={}, author="a test", message="a run")


def told(settings: Settings) -> tuple[int, str]:
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
    count, said = told(settings)
    assert count == 0
    assert "1 reserve candidates were made under other sharing rules" in said
    run(settings)
    count, said = told(settings)
    assert (count, "stay here" in said) == (1, False)


@pytest.mark.parametrize(
    ("rule", "count", "why"),
    [
        pytest.param(f"common,withheld,hunted too,{COMMON}", 0, f"the rules hide {COMMON} more", id="its own record"),
        pytest.param("boar,withheld,hunted too,Sus scrofa", 1, None, id="a taxon that it knows nothing of"),
        pytest.param(None, 1, None, id="a rule fewer"),
    ],
)
def test_a_rule_holds_back_only_the_results_that_it_touches(settings, rule, count, why):
    """The run's rules are remembered: what came since is held against what the result rests on."""
    assessments.remember(settings.data, sharing.RuleSet.read(settings.rules_file))
    made_under(settings, RULES + f"{rule}\n" if rule else RULES.replace("rare,0_1_degree", "rare,1_degree"))
    if rule is None:
        run(settings)
        assessments.remember(settings.data, sharing.RuleSet.read(settings.rules_file))
        made_under(settings, RULES.splitlines()[0] + "\n")
    found, said = told(settings)
    assert found == count
    assert (why or "stay here") in said if count == 0 else "stay here" not in said


@pytest.mark.parametrize(("name", "count"), [(RARE, 0), ("Muntiacus vaginalis", 1)])
def test_a_record_that_is_hidden_since_takes_its_results_with_it(settings, name, count):
    """Its name is corrected: what was open when the run read it is hidden under the same rules."""
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, [("field", "1", name, 22.9, 106.52), ROWS[1]])
    assert told(settings)[0] == count


@pytest.mark.parametrize(("synonym", "count"), [(COMMON, 0), ("Muntiacus vaginalis", 1)])
def test_a_checklist_that_came_since_takes_the_results_of_what_it_makes_sensitive_with_it(settings, synonym, count):
    """The rules are the same: today a checklist says that the records' name is one of the hidden taxon."""
    with Lake.open(settings.data) as lake:
        row = {"key": "x", "checklist": "x", "taxon_id": "x:1", "scientificName": RARE, "synonyms": [synonym]}
        taxa = terms.conform(pl.DataFrame([row | {"taxonomicStatus": "ACCEPTED"}]), terms.TAXON)
        lake.commit_table(
            "taxa", taxa, key="taxon_id", scope={"checklist": "x"}, author="a test", message="a checklist"
        )
    assert told(settings)[0] == count


@pytest.mark.parametrize(("west", "count"), [(106.4, 0), (111.0, 1)])
def test_a_protected_area_that_was_drawn_anew_takes_the_results_of_its_records_with_it(settings, west, count):
    made_under(
        settings,
        f"rule_id,category,reason,scientificName,area_id\nrare,0_1_degree,hunted,{RARE},\narea,withheld,holy,{COMMON},wdpa:1\n",
    )
    drawn(settings, 110.0)
    run(settings)
    assert told(settings)[0] == 1
    drawn(settings, west)
    assert told(settings)[0] == count


def drawn(settings: Settings, west: float) -> None:
    """Put the only protected area into the lake."""
    row = {"area_id": "wdpa:1", "geometry": shapely.to_wkb(shapely.box(west, 22.8, west + 0.3, 23.0))}
    with Lake.open(settings.data) as lake:
        areas = terms.conform(pl.DataFrame([row]), terms.PROTECTED_AREA)
        lake.commit_table("protected_areas", areas, key="area_id", scope=None, author="a test", message="an area")


def test_a_record_that_is_tied_to_a_later_one_takes_its_results_with_it(settings):
    """A run read the open record exactly; since then a hidden one was recorded at the same place on the same day."""
    with Lake.open(settings.data) as lake:
        store_records.commit(lake, [*ROWS, ("field", "3", RARE, 22.9, 106.52)])
    assert told(settings)[0] == 0


def test_what_was_made_of_exact_records_is_told_apart_from_what_is_out_of_date(settings):
    run(settings, "exact")
    count, said = told(settings)
    assert count == 0
    assert "1 reserve candidates were made of exact records" in said
    assert "other sharing rules" not in said
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

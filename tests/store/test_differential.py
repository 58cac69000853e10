"""Some hundreds of random questions: ids and counts equal plain pandas over the source files, the rules applied by hand.

The oracle reads the source files, makes places coarse and leaves values and records out by itself; it calls nothing of
ours. Only the number that an ingest gave to each record is looked up in the lake.
"""

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pandas as pd
import pytest
from starlette.testclient import TestClient

import differential
import questions
from api.app import create_app
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from rule_files import put_rules

SEARCH, ITEMS = "/v1/occurrence/search", "/ogc/collections/occurrences/items"
QUESTIONS = 15
"""Of each kind; the slower test asks more, of more rows."""


def make_case(data: Path, *, rows: int, seed: int) -> SimpleNamespace:
    """Ingest made-up files and release them; give the rows that may be seen, with their keys, and how to ask."""
    sources = differential.write_sources(data, rows=rows, seed=seed)
    settings = Settings(data=data, memory_limit="500MB")
    put_rules(settings, differential.RULES)
    for dataset, path in sources.items():
        (report,) = pipeline.ingest("gbif", [path], settings, dataset=dataset)
        assert (report.stored, report.refused) == (report.rows, 0)
    pipeline.release(settings)
    told = differential.published(sources)
    with Lake.open(data) as lake:
        keys = {
            source: key for key, source in lake.read("occurrences", columns=["key", "source_record_id"]).iter_rows()
        }
    made = releases.current(data)
    assert made is not None
    # The number that a presence got is looked up by what it is: never the place of another, and none is left.
    coarse = releases.read(made, "occurrences", where=Compare("sharing_category", "=", "0_1_degree"))
    numbers = {known_by(row): row["key"] for row in coarse.iter_rows(named=True)}
    assert len(numbers) == coarse.height == told["source"].isna().sum()
    told.index = pd.Index(
        [keys[row["source"]] if row["source"] else numbers[known_by(row)] for row in told.to_dict("records")],
        name="key",
    )
    return SimpleNamespace(settings=settings, rows=told)


def known_by(row: dict) -> tuple:
    """Return what a presence is known by."""
    return tuple(None if pd.isna(row[name]) else row[name] for name in differential.CELL)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    found = make_case(tmp_path_factory.mktemp("differential"), rows=700, seed=5)
    with TestClient(create_app(found.settings), base_url="http://test", raise_server_exceptions=False) as client:
        found.client = client
        yield found


def asked(chance: random.Random, rows: pd.DataFrame) -> tuple[list[tuple[str, str]], "pd.Series[bool]"]:
    """Give one to three conditions with different parameters, sometimes with sides, and the rows that all of them mean."""
    told: dict[str, questions.Question] = {}
    for _ in range(chance.randint(1, 3)):
        question = questions.any_question(chance)
        told.setdefault(question.parameters[0][0], question)
    chosen = list(told.values())
    if chance.random() < 0.25:
        chosen.append(questions.across(chance, list(chosen)))
    mask = pd.Series(data=True, index=rows.index)
    unsure: set[int] = set()
    for question in chosen:
        held = question.holds(rows)
        unsure |= held.attrs.get("unsure", set())
        mask &= questions.known(held)
    mask.attrs["unsure"] = unsure
    return [pair for question in chosen for pair in question.parameters], mask


def walk(client, address: str, *, features: bool = False):
    """Give every id of a search, page after page by the links, and check what each page says of itself."""
    ids: list[int] = []
    counts = set()
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        ids += [f["id"] for f in body["features"]] if features else [r["key"] for r in body["results"]]
        counts.add(body["numberMatched"] if features else body["count"])
        if features:
            address = next((entry["href"] for entry in body["links"] if entry["rel"] == "next"), None)
        else:
            address = answer.links.get("next", {}).get("url")
            assert body["endOfRecords"] == (address is None)
        if address:
            split = urlsplit(address)
            address = f"{split.path}?{split.query}"
    assert len(ids) == len(set(ids)), "a page repeats a record"
    assert len(counts) == 1
    return ids, counts.pop()


def address_of(client, path: str, pairs, **more) -> str:
    return str(client.build_request("GET", path, params=[*pairs, *more.items()]).url).removeprefix("http://test")


def check_pages(case, seed: int, *, limits: tuple[int, ...] = (7, 50, 300)) -> None:
    chance = random.Random(seed)
    pairs, mask = asked(chance, case.rows)
    ids, count = walk(case.client, address_of(case.client, SEARCH, pairs, limit=chance.choice(limits)))
    wanted, unsure = set(case.rows.index[mask]), mask.attrs["unsure"]
    assert set(ids) - unsure == wanted - unsure, pairs
    assert count == len(ids)


@pytest.mark.parametrize("seed", range(3 * QUESTIONS))
def test_ids_and_counts_page_by_page(case, seed):
    check_pages(case, seed)


@pytest.mark.parametrize("seed", range(QUESTIONS))
def test_pages_by_offset(case, seed):
    chance = random.Random(1000 + seed)
    pairs, mask = asked(chance, case.rows)
    if mask.attrs["unsure"]:
        return
    limit, ids = chance.choice([11, 60, 300]), []
    while True:
        body = case.client.get(SEARCH, params=[*pairs, ("limit", limit), ("offset", len(ids))]).json()
        ids += [row["key"] for row in body["results"]]
        if body["endOfRecords"]:
            break
    assert len(ids) == body["count"]
    assert set(ids) == set(case.rows.index[mask]), pairs


@pytest.mark.parametrize("seed", range(2 * QUESTIONS))
def test_facets(case, seed):
    chance = random.Random(2000 + seed)
    pairs, mask = asked(chance, case.rows)
    if mask.attrs["unsure"]:
        return
    parameter, column = chance.choice([("country", "countryCode"), ("year", "year"), ("species", "species"),
                                       ("basisOfRecord", "basisOfRecord"), ("recordedBy", "recordedBy"),
                                       ("month", "month"), ("datasetKey", "datasetKey"), ("sex", "sex")])  # fmt: skip
    limit, offset, least = chance.choice([3, 10, 100]), chance.choice([0, 0, 2]), chance.choice([1, 1, 4])
    settings = {"facet": parameter, f"{parameter}.facetLimit": limit, "facetOffset": offset, "facetMincount": least}
    body = case.client.get(SEARCH, params=[*pairs, *settings.items(), ("limit", 0)]).json()
    values = case.rows.loc[mask, column].dropna()
    values = values.astype(int) if column in ("year", "month") else values
    counted = sorted(((n, v) for v, n in Counter(values).items() if n >= least), key=lambda pair: (-pair[0], pair[1]))
    found = [(entry["count"], entry["name"]) for entry in body["facets"][0]["counts"]]
    assert body["count"] == mask.sum()
    assert found == [(n, str(v)) for n, v in counted[offset : offset + limit]], pairs


@pytest.mark.parametrize("seed", range(QUESTIONS))
def test_a_facet_without_its_own_parameter(case, seed):
    chance = random.Random(3000 + seed)
    own, other = questions.country(chance), questions.words(chance)
    pairs = [*own.parameters, *other.parameters, ("facet", "country"), ("facetMultiselect", "true"), ("limit", "0")]
    body = case.client.get(SEARCH, params=pairs).json()
    expected = Counter(case.rows.loc[other.holds(case.rows), "countryCode"])
    assert {c["name"]: c["count"] for c in body["facets"][0]["counts"]} == expected
    assert body["count"] == (own.holds(case.rows) & other.holds(case.rows)).sum()


@pytest.mark.parametrize("seed", range(QUESTIONS))
def test_the_same_in_a_body(case, seed):
    chance = random.Random(4000 + seed)
    pairs, mask = asked(chance, case.rows)
    if mask.attrs["unsure"]:
        return
    body: dict[str, list[str]] = {}
    for name, value in pairs:
        body.setdefault(name, []).append(value)
    answer = case.client.post(SEARCH, json={**body, "limit": 300})
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == mask.sum(), pairs
    if mask.sum() <= 300:
        assert {row["key"] for row in answer.json()["results"]} == set(case.rows.index[mask])


@pytest.mark.parametrize("seed", range(QUESTIONS))
def test_within_an_uploaded_area(case, seed):
    chance = random.Random(5000 + seed)
    question = questions.polygon(chance)
    while not question.parameters[0][1].startswith("{"):
        question = questions.polygon(chance)
    uploaded = case.client.post("/v1/areas", content=question.parameters[0][1]).json()
    ids, _ = walk(case.client, address_of(case.client, SEARCH, [("withinArea", uploaded["id"])], limit=40))
    assert set(ids) == set(case.rows.index[question.holds(case.rows)])


@pytest.mark.parametrize("seed", range(QUESTIONS))
def test_rows_that_a_range_leaves_out_for_want_of_a_value(case, seed):
    chance = random.Random(6000 + seed)
    ranges = [
        questions.number_range(chance, "elevation", 1, 2500, whole=False),
        questions.number_range(chance, "individualCount", 1, 7, whole=True),
    ]
    pairs = [pair for q in ranges for pair in q.parameters if not pair[0].endswith("includeNull")]
    answer = case.client.get(SEARCH, params=[*pairs, ("limit", 0)])
    told = dict(part.split("=") for part in answer.headers["x-biodata-null-left-out"].split(", "))
    rows = case.rows
    for one, other in (ranges, ranges[::-1]):
        name, other_name = one.parameters[0][0], other.parameters[0][0]
        held = other.holds(rows) & rows[other_name].notna()
        assert int(told[name]) == (held & rows[name].isna()).sum()


def check_cql2(case, seed: int, *, limits: tuple[int, ...] = (9, 100, 1000)) -> None:
    """Ask a random CQL2 filter, sometimes with a box and another limit."""
    chance = random.Random(seed)
    text, meaning = questions.cql2(chance)
    mask, _ = meaning(case.rows)
    pairs = [("filter", text)]
    if chance.random() < 0.4:
        south, north, west, east = chance.choice(list(differential.PLACES.values()))
        box = (west + chance.random() / 2, south + chance.random() / 3, east, north)
        pairs.append(("bbox", ",".join(map(str, box))))
        rows = case.rows
        mask &= rows["decimalLongitude"].between(box[0], box[2]) & rows["decimalLatitude"].between(box[1], box[3])
    address = address_of(case.client, ITEMS, pairs, limit=chance.choice(limits))
    ids, count = walk(case.client, address, features=True)
    assert set(ids) == set(case.rows.index[mask]), text
    assert count == len(ids)


@pytest.mark.parametrize("seed", range(2 * QUESTIONS))
def test_cql2_and_boxes(case, seed):
    check_cql2(case, 7000 + seed)


def test_the_questions_are_worth_asking(case):
    found = [asked(random.Random(seed), case.rows)[1].sum() for seed in range(3 * QUESTIONS)]
    assert sum(0 < n < len(case.rows) for n in found) > QUESTIONS


def test_one_record_and_no_other(case):
    for key in [*case.rows.index[:5], 12345]:
        answer = case.client.get(f"/v1/occurrence/{key}")
        assert answer.status_code == (200 if key in case.rows.index else 404)
    hidden = pd.concat(pd.read_csv(p, sep="\t") for p in case.settings.data.glob("*.csv") if "rules" not in p.name)
    assert (hidden["species"] == differential.WITHHELD).sum() > 0
    assert case.client.get(SEARCH, params={"species": differential.WITHHELD}).json()["count"] == 0


@pytest.mark.searches
@pytest.mark.timeout(1200)
def test_hundreds_more_to_more_rows(tmp_path):
    large = make_case(tmp_path, rows=6_000, seed=9)
    with TestClient(create_app(large.settings), base_url="http://test", raise_server_exceptions=False) as client:
        large.client = client
        for seed in range(10_000, 10_300):
            if seed % 3:
                check_pages(large, seed, limits=(211, 300))
            else:
                check_cql2(large, seed, limits=(1_000, 10_000))

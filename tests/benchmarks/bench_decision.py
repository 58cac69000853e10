"""What the four steps cost that decide about places: resolve, decide, set apart, generalise. Run by hand.

uv run python tests/benchmarks/bench_decision.py [RECORDS]

Made-up records of 20,000 names in forty datasets, half of them of stations, one in fifty of a taxon that a rule names; then 500
more in one dataset of each kind, as two surveys send them; then 500 more all over. Printed is processor time of one core's worth:
that of all threads together.
"""

import sys
import time
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from biodata.core import terms
from biodata.places import load_boundaries
from biodata.sharing import RuleSet, decide
from biodata.sharing.plan import BEFORE, PLACED, plan_of, sensitive_records
from biodata.sharing.publish import presence_rows, set_apart_of
from biodata.sharing.set_apart import Memory
from biodata.text.reference_list import reference_list

NAMES = 20_000
SENSITIVE = 0.02
STATIONS = 2_000
BATCH_ROWS = 250_000
DATASETS = 20
"""Of each kind."""


def made(rows: int, *, seed: int, first: int, datasets: int = DATASETS) -> pl.DataFrame:
    """Return made-up records as the lake has them."""
    rng = np.random.default_rng(seed)
    listed = sorted({rule.scientific_name for rule in RuleSet.read(None).rules if " " in (rule.scientific_name or "")})
    common = reference_list().names.filter(pl.col("name").str.count_matches(" ") == 1)["name"].sample(NAMES, seed=1)
    name = np.where(
        rng.random(rows) < SENSITIVE, rng.choice(listed, rows), common.to_numpy()[rng.integers(0, NAMES, rows)]
    )
    station = rng.random(rows) < 0.5
    at = rng.integers(0, STATIONS, rows)
    places = np.random.default_rng(0).uniform((100, 12), (108, 24), (STATIONS, 2))
    x = np.where(station, places[at, 0], rng.uniform(98, 110, rows))
    y = np.where(station, places[at, 1], rng.uniform(10, 26, rows))
    day = pl.Series(rng.integers(17_000, 20_500, rows)).cast(pl.Int32).cast(pl.Date)
    key = np.arange(first, first + rows)
    number = np.where(station, at, rng.integers(0, rows, rows)) % datasets
    kind = np.where(station, "stations", "finds")
    found = pl.DataFrame({
        "key": key, "scientificName": name, "decimalLongitude": x.round(5), "decimalLatitude": y.round(5),
        "datasetKey": np.char.add(kind, number.astype(str)), "countryCode": "LA", "event_start": day,
        "event_end": day, "occurrenceID": key.astype(str),
    }).with_columns(year=pl.col("event_start").dt.year(), month=pl.col("event_start").dt.month())  # fmt: skip
    return terms.conform(found, terms.OCCURRENCE)


def steps(
    records: pl.DataFrame,
    memory: Memory,
    rules: RuleSet,
    before: pl.DataFrame | None = None,
    more: pl.DataFrame | None = None,
) -> tuple[Memory, dict[str, float]]:
    """Take records, and `more`, through the four steps, as a release does; `before`: what the last one was made of.

    Only records of the datasets of `more` are looked at, as `store.rules_in_force` reads only these; of those that were there
    it is kept what was decided of each.
    """
    changed, asked = None, records
    if more is not None:
        changed = more["datasetKey"].unique().to_list()
        records = pl.concat([records.filter(pl.col("datasetKey").is_in(changed)), more])
        before, asked = before.filter(pl.col("datasetKey").is_in(changed)), more
    boundaries, spent, decisions, sensitive = load_boundaries(), {}, [], []
    clock = time.process_time()

    def lap(name: str) -> None:
        nonlocal clock
        now = time.process_time()
        spent[name], clock = spent.get(name, 0) + now - clock, now

    then = BEFORE.to_frame()
    if before is not None:
        places = {"longitude": "decimalLongitude", "latitude": "decimalLatitude"}
        then = before.select("datasetKey", "year", identifier="key", **places).select(BEFORE.names()).cast(dict(BEFORE))
    released = frozenset(then["datasetKey"])
    clock = time.process_time()
    batches = [asked.slice(start, BATCH_ROWS) for start in range(0, asked.height, BATCH_ROWS)]
    for batch in batches:
        decisions.append(decide(batch, rules, boundaries=boundaries))
        lap("resolve and decide")
    for batch, decided in zip(batches, decisions, strict=True):
        sensitive.append(sensitive_records(batch, set_apart_of(batch, decided), boundaries, rules.resolver))
    if changed is not None:
        sensitive.append(memory.of(changed).decided.drop("datasetKey"))
    events = terms.conform(pl.DataFrame(), terms.EVENT).with_columns(shown=pl.lit(value=False))
    plan = plan_of(records.select(PLACED), events, pl.concat(sensitive), memory=memory, before=then, released=released,
                   secret=b"", today=date(2026, 11, 30))  # fmt: skip
    lap("set apart")
    presences = presence_rows(replace(rules, plan=plan), boundaries=boundaries)
    lap("generalise")
    print(f"{records.height} records: {sum(map(len, sensitive))} sensitive, {presences.height} presences")
    return plan.apart, spent


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rules, records = RuleSet.read(None), made(rows, seed=1, first=1)
    steps(records.head(100), Memory(), rules)
    memory, spent = steps(records, Memory(), rules)
    print("; ".join(f"{name} {seconds:.1f}" for name, seconds in spent.items()), "CPU s")
    print(f"four steps: {sum(spent.values()):.1f} CPU s for {rows} records")
    for name, datasets in (("in two datasets", 1), ("in all", DATASETS)):
        _, spent = steps(records, memory, rules, records, made(500, seed=2, first=rows + 1, datasets=datasets))
        print("; ".join(f"{name} {seconds:.1f}" for name, seconds in spent.items()), "CPU s")
        print(f"500 more {name}: {sum(spent.values()):.1f} CPU s")


if __name__ == "__main__":
    main()

"""How long names take to be resolved and decided, and how many lists and spoilt names fare: run by hand.

uv run python tests/benchmarks/bench_resolve.py [FOLDER of real data, as in /shared/data]
"""

import json
import random
import sys
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet, decide
from biodata.sharing.names import GROUPS
from biodata.sharing.resolve import Resolver
from biodata.text.reference_list import reference_list
from mangled_names import mangled

RULES = RuleSet.read(None)
STRICT = [rule.category.strictness for rule in RULES.rules]


def strictest(resolver: Resolver, records: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return of each record the strictness that its names call for, and whether all of them are known."""
    found = resolver.resolve(records)
    per_row = pl.Series([max((STRICT[n] for n in numbers), default=0) for numbers in found.of_rows()], dtype=pl.Int64)
    return per_row.gather(found.place), found.table["known"].gather(found.place)


def speed() -> None:
    """Resolve and decide 100,000 distinct names by 200 rules."""
    rng = random.Random(1)
    names = reference_list().names.filter(pl.col("name").str.contains(" "))["name"].sample(95_000, seed=1).to_list()
    authors = ["", "", " Linnaeus, 1758", " (Blume) Lindl.", " L."]
    names = [name + rng.choice(authors) for name in names]
    names += [name[:5] + name[6:] for name in names[:5_000]]
    more = [Rule(f"more{n}", SharingCategory.TENTH_DEGREE, "more", scientific_name=names[n]) for n in range(9)]
    rules = RuleSet.of([*RULES.rules, *more])
    records = pl.DataFrame({"scientificName": names, "class": "Insecta", "countryCode": "LA", "month": 3})
    records = terms.conform(records, terms.OCCURRENCE)
    boundaries = load_boundaries()
    decide(pl.concat([records.head(10), records.tail(10)]), rules, boundaries=boundaries)
    begun = time.process_time()
    decided = decide(records, rules, boundaries=boundaries)
    spent = time.process_time() - begun
    print(f"{records.height} names, {len(rules.rules)} rules: {spent:.1f} CPU s, {decided.height} coarse")


def spoilt() -> None:
    """Look for spoilt forms of listed names that are less coarse than the name."""
    rng, forms = random.Random(1), []
    found = reference_list().look_up(pl.Series([rule.scientific_name for rule in RULES.rules]))
    stated = {
        name: json.dumps(dict(zip(GROUPS, groups, strict=True)))
        for name, *groups in found.select("name", *GROUPS).rows()
    }
    for rule in RULES.rules:
        name = str(rule.scientific_name)
        for at in range(1, len(name)):
            if name[at] != " ":
                forms += [
                    (rule, name[:at] + new + name[at + 1 :]) for new in ("", name[at] * 2, rng.choice("aeioustrnlh"))
                ]
                forms.append((rule, name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]))
        forms += [(rule, form) for form in (name.lower(), name.upper(), name.swapcase(), name.replace(" ", ""))]
        forms += [(rule, form) for _ in range(2) for form in (mangled(name, rng) if " " in name else [])]
    for label, groups in (("with its classification", True), ("alone", False)):
        records = pl.DataFrame(
            {"scientificName": [form for _, form in forms],
             "stated_taxon": [stated[str(rule.scientific_name)] if groups else None for rule, _ in forms]},
            schema={"scientificName": pl.String, "stated_taxon": pl.String},
        )  # fmt: skip
        here, known = strictest(RULES.resolver, records)
        needed = pl.Series([rule.category.strictness for rule, _ in forms])
        leaked, other = (here < needed), known
        print(
            f"{len(forms)} spoilt forms {label}: {leaked.sum()} less coarse, {(leaked & ~other).sum()} of them no other name"
        )
        print("   ", sorted({form for (_, form), leak in zip(forms, leaked, strict=True) if leak}))


def openness(folder: Path) -> None:
    """Tell how many records of real files are coarser than a rule that names their taxon asks."""
    mdd = ("sciName", "order", "family")
    files = {
        "Borneo mammals": ("occ_borneo_mammals/mammals_borneo.tsv", {"separator": "\t", "has_header": False, "skip_rows": 1,
                           "new_columns": ["n", "species", "y", "x", "class"]}, {}),
        "elephants": ("occ_elephas_maximus_gbif/elephas_maximus_gbif.csv", {}, {"acceptedScientificName": "scientificName"}),
        "Bovidae": ("occ_bovidae_gbif_raw/Gbif_raw_allBov.csv", {"encoding": "utf8-lossy"}, {}),
        "GRIIS": ("griis_asean_china/griis_combined.csv", {}, {}),
        "Liloan": ("event_liloan_mpa_ph/occurrence.csv", {}, {}),
        "MDD": ("tax_mdd/MDD_v1.2_6485species.csv", {"columns": list(mdd)}, {"sciName": "scientificName"}),
    }  # fmt: skip
    unbounded = Resolver(RULES.rules)
    unbounded._not_excluded = lambda groups, scope: (0, None)  # type: ignore[method-assign]  # as if all were known
    for label, (path, options, called) in files.items():
        table = pl.read_csv(folder / path, infer_schema=False, **options).rename(called)
        table = table.with_columns(pl.all().str.replace("_", " ").replace({"": None, "NA": None}))
        if label == "MDD":
            table = table.with_columns(pl.lit("Mammalia").alias("class"))
        stated = [name for name in terms.STATED_TAXON if name in table.columns]
        names = [name for name in ("scientificName", *terms.STATED_TAXON[:5]) if name in table.columns]
        table = table.filter(pl.any_horizontal(pl.col(names).is_not_null()))
        records = table.select(
            *(name for name in ("scientificName",) if name in table.columns),
            stated_taxon=pl.struct(stated).struct.json_encode() if stated else pl.lit(None, pl.String),
        )
        here, known = strictest(RULES.resolver, records)
        needed, _ = strictest(unbounded, records)
        over = (here > needed).sum()
        print(
            f"{label}: {over} of {records.height} with a name coarser, {over / records.height:.2%}; {(~known).sum()} not known"
        )


if __name__ == "__main__":
    speed()
    spoilt()
    for argument in sys.argv[1:]:
        openness(Path(argument))

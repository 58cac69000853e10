"""Which tier of evidence known transboundary landscapes reach with the real records at hand, or the one thing that they lack.

Usage: python tests/benchmarks/bench_landscape_tiers.py SHARED [--bands 5000 1000 0] [--certainty 0.95] [--near-m 25000]
       [--cell 0.1] [--untold-m 1000] [--json FILE.json]

SHARED is the folder of real data beside a checkout: ASEAN Heritage Parks, protected areas of Cambodia, records of elephants and
of bovids and of Borneo's mammals, a list of mammals with Red List categories. Landscapes are those of its facts, and two of
heritage parks that face each other on Borneo. Only threatened species count. A record that states no uncertainty is taken to be
right to --untold-m and makes a side probable at most, as in a run. Evidence is looked for within 25 km of the named parks that these data hold, most often on one side
only, and of the border that they face: so wide as a planner would look for a partner area on the other side. With --cell the
records stand at the middle of such cells, as the public sees those of a sensitive species.
"""

import argparse
import json
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import polars as pl
import shapely

sys.path.insert(0, str(Path(__file__).parent))
import bench_two_tiers as two_tiers
import known_landscapes

from biodata import places
from biodata.analysis import evidence
from biodata.analysis.candidates import ground as joining
from biodata.core.vocabularies import THREATENED

WINDOW = (92.0, -4.5, 120.0, 29.0)
COUNTRIES = {
    "1 Mekong Headwaters": "CN LA", "2 Sino-Viet karst": "CN VN", "3 Hkakaborazi - Gaoligong - Imawbum": "CN MM",
    "5 Northern and Central Annamites": "LA VN", "6 Tri-border forest": "KH LA VN",
    "8 Eastern Forest Complex - Cardamom": "KH TH", "10 Dawna-Tenasserim": "MM TH", "13 Turtle Islands": "MY PH",
    "14 Hoang Lien - Huanglianshan": "CN VN", "15 Phou Den Din - Muong Nhe": "CN LA VN",
    "Mulu - Tasek Merimbun": "BN MY",
}  # fmt: skip
PARKS = {
    **known_landscapes.LANDSCAPES,
    "13 Turtle Islands": ["Turtle Islands Wildlife Sanctuary"],
    "Mulu - Tasek Merimbun": ["Gunung Mulu National Park", "Tasek Merimbun Heritage Park"],
}
SYNONYMS = {"Bos frontalis": "Bos gaurus"}
"""The name under which GBIF's file has the gaur, which Red Lists know by its own."""


def threatened_records(shared: Path) -> pl.DataFrame:
    """Return the records of threatened mammals."""
    both = known_landscapes.shared_records(shared)
    both["species"] = both["species"].replace(SYNONYMS)
    mammals = pd.read_csv(shared / "data/tax_mdd/MDD_v1.2_6485species.csv", usecols=["sciName", "iucnStatus"])
    known = mammals[mammals["iucnStatus"].isin(THREATENED)]["sciName"].str.replace("_", " ")
    return two_tiers.real_records(both[both["species"].isin(set(known))], WINDOW)


def parks(shared: Path) -> dict[str, tuple[shapely.Geometry, str]]:
    """Return the outline and country of each park that is at hand, by its name."""
    heritage = gpd.read_file(shared / "data/pa_asean_heritage_parks/asean_heritage_parks.geojson")
    khmer = gpd.read_file(shared / "data/pa_cambodia_odc/protected_areas_and_forests.geojson")
    found: dict[str, tuple[shapely.Geometry, str]] = {}
    for names, geometry, codes in (
        (heritage["AHPNAME"], heritage.geometry, heritage["ISO3"]),
        (khmer["Name"], khmer.geometry, ["KHM"] * len(khmer)),
    ):
        for name, shape, code in zip(names, geometry, codes, strict=True):
            if shape is not None:
                whole = shapely.make_valid(shape)
                before = found.get(str(name))
                found[str(name)] = (whole if before is None else shapely.union(before[0], whole), str(code))
    return found


def judged(
    name: str, known: dict[str, tuple[shapely.Geometry, str]], counted: evidence.Counted, given: Any
) -> dict[str, Any]:
    """Return a landscape's tier, or what it lacks first."""
    codes = COUNTRIES[name].split()
    wanted = [known[park] for park in PARKS.get(name, []) if park in known]
    told: dict[str, Any] = {"landscape": name, "countries": codes, "areas": sorted({code for _, code in wanted})}
    if not wanted:
        return told | {"tier": None, "lacks": "an area on any side in these data"}
    ground = joining.grown(shapely.union_all([shape for shape, _ in wanted]), given.near_m)
    near, border = counted.inside(ground), [(code,) for code in codes]
    found = evidence.two_sided(near, border, given.certainty)
    told["records"] = {code: sum(found.by_country[code].values()) for code in codes}
    told["chances"] = {
        code: {species: [one["chance"], one["records"]] for species, one in found.uncertain[code].items()}
        for code in codes
    }
    told["shared"], told["probably_shared"] = found.shared, found.probably_shared
    # Of three countries two that share a species are a landscape of two; all three are told where they do.
    pairs = [border, *([one, other] for n, one in enumerate(border) for other in border[n + 1 :])]
    tiers = [(found.tier(sides), "-".join(code for (code,) in sides)) for sides in pairs]
    best = next((one for wanted in evidence.TIERS for one in tiers if one[0] == wanted), None)
    if best:
        return told | {"tier": best[0], "sides": best[1], "lacks": None}
    without = [code for code in codes if not told["records"][code] and not told["chances"][code]]
    if without:
        return told | {"tier": None, "lacks": f"a record of a threatened species in {' and '.join(without)}"}
    lifts = found.lifts(border)
    return told | {
        "tier": None,
        "lacks": f"a species of both sides; nearest: {lifts[0]}" if lifts else "a shared species",
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("shared", type=Path)
    asked.add_argument("--bands", type=float, nargs="+", default=[5000.0, 1000.0, 0.0])
    asked.add_argument("--certainty", type=float, default=0.95)
    asked.add_argument("--near-m", type=float, default=25_000.0)
    asked.add_argument("--cell", type=float, default=0.0)
    asked.add_argument("--untold-m", type=float, default=1000.0)
    asked.add_argument("--json", type=Path)
    given = asked.parse_args()
    boundaries, records, known = places.load_boundaries(), threatened_records(given.shared), parks(given.shared)
    if given.cell:
        records = records.with_columns(
            ((pl.col(name) / given.cell).floor() + 0.5) * given.cell for name in ("decimalLongitude", "decimalLatitude")
        ).with_columns(
            pl.col("coordinateUncertaintyInMeters").clip(lower_bound=given.cell * two_tiers.METRES_PER_DEGREE / 2**0.5)
        )
    print(f"{records.height} records of threatened mammals, {records['species'].n_unique()} species")
    rows = []
    for band_m in given.bands:
        parameters = replace(two_tiers.JUDGING, side_share=given.certainty, untold_uncertainty_m=given.untold_m)
        counted = evidence.counted(records, boundaries=replace(boundaries, band_m=band_m), parameters=parameters)
        print(f"\nband {band_m:g} m: {counted.records['why_not'].null_count()} count; left out {counted.reasons()}")
        for name in COUNTRIES:
            one = judged(name, known, counted, given) | {"band_m": band_m}
            rows.append(one)
            species = [*one.get("shared", []), *one.get("probably_shared", [])]
            result = f"{one['tier']} ({one['sides']}: {', '.join(species)})" if one["tier"] else f"lacks {one['lacks']}"
            print(f"{name:<38} {'-'.join(one['countries']):<9} areas of {'-'.join(one['areas']) or 'none':<8} "
                  f"records that count {one.get('records', '–')}: {result}")  # fmt: skip
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU seconds")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

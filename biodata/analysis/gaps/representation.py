"""Which species and habitats are protected enough, in each country and jointly, and which only neighbours can save together.

A target is set for the whole of a feature, as it was given: a species' global range, where that is known. Its share is then
asked of what lies in each country and in all of them. So a country is asked for the part that lies in it, and
jointly countries are asked for the sum of their parts; which of them protects it makes no difference to that sum.
"""

from typing import Final

import numpy as np
import polars as pl

from biodata.analysis.gaps.features import Target
from biodata.analysis.gaps.protected import Protected

MET: Final = "met"
PARTIAL: Final = "partial"
GAP: Final = "gap"
OUTSIDE: Final = "outside"
LEAST_KM2: Final = 0.01
"""Less than a hectare inside protected ground is the rounding of two maps."""
_ENOUGH: Final = 1 - 1e-9

REPRESENTATION: Final = pl.Schema(
    {
        "scenario": pl.String,
        "as_of": pl.Date,
        "feature_kind": pl.String,
        "feature": pl.String,
        "country_code": pl.String,
        "whole_km2": pl.Float64,
        "here_km2": pl.Float64,
        "outside_band_km2": pl.Float64,
        "share_of_whole": pl.Float64,
        "protected_area_km2": pl.Float64,
        "oecm_km2": pl.Float64,
        "protected_km2": pl.Float64,
        "protected_share": pl.Float64,
        "circles_km2": pl.Float64,
        "undated_km2": pl.Float64,
        "target_share": pl.Float64,
        "target_km2": pl.Float64,
        "missing_km2": pl.Float64,
        "status": pl.String,
    }
)
"""One row a scenario, date, feature and country; `country_code` is null for all of them jointly. `here_km2` is on land of the
country, `outside_band_km2` of it farther from every border than maps may disagree; `status` met, partial (some of it is protected), gap (less than a hectare is), or outside (none of it lies here)."""

RESPONSIBILITY: Final = pl.Schema(
    [
        ("scenario", pl.String),
        ("as_of", pl.Date),
        ("feature_kind", pl.String),
        ("feature", pl.String),
        ("countries", pl.List(pl.String)),
        ("shares", pl.List(pl.Float64)),
        ("only_in_band", pl.List(pl.String)),
        ("share_elsewhere", pl.Float64),
        ("joint_status", pl.String),
        ("meet_their_part", pl.List(pl.String)),
        ("miss_their_part", pl.List(pl.String)),
        ("enough_alone", pl.List(pl.String)),
        ("met_only_together", pl.Boolean),
        ("possible_only_together", pl.Boolean),
    ]
)
"""One row a scenario, date and feature that lies in several of the countries, in each of them farther from a border than
the band; countries that it reaches inside the band alone stand in `only_in_band`, as there two maps disagree. `shares` are of the whole range, by
`countries`, and `share_elsewhere` is the rest: in other countries, or at sea. `enough_alone` protect by themselves all
that is jointly asked. `met_only_together`: the joint target is met, and by no country alone. `possible_only_together`: no
country holds as much range as is jointly asked, so none could meet it even by protecting all."""


def representation(
    found: pl.DataFrame, names: list[str], kind: str, protected: Protected, countries: list[str], *, target: Target
) -> pl.DataFrame:
    """Return how much of features is protected, against a target.

    Parameters
    ----------
    found : polars.DataFrame of protected.AMOUNTS
        Of `protected.amounts` or `rasters.amounts_of_classes`.
    names : list of str
        Of the features, by their number.
    kind : str
        What they are: range, area of habitat, habitat, occupied cells.
    protected : Protected
        The scenario that was measured.
    countries : list of str
        ISO 3166-1 alpha-2 codes of the layers' countries.
    target : Target

    Returns
    -------
    polars.DataFrame of REPRESENTATION
        By feature, then country, the joint row last.
    """
    whole = found.filter(what="all").select("feature", whole_km2="km2")
    on_land = found.filter(
        pl.col("country_code").is_in(countries), pl.col("realm").fill_null("terrestrial") != "marine"
    )
    km2, ground = pl.col("km2"), pl.col("what") == "protected"
    sums = {
        "here_km2": km2.filter(pl.col("what") == "land").sum(),
        "outside_band_km2": km2.filter(pl.col("what") == "inner").sum(),
        "protected_area_km2": km2.filter(ground & (pl.col("kind") != "oecm")).sum(),
        "oecm_km2": km2.filter(ground & (pl.col("kind") == "oecm")).sum(),
        "circles_km2": km2.filter(ground & pl.col("circle")).sum(),
        "undated_km2": km2.filter(ground & pl.col("undated")).sum(),
    }
    single = on_land.group_by("feature", "country_code").agg(**sums)
    joint = on_land.group_by("feature").agg(**sums).with_columns(country_code=pl.lit(None, dtype=pl.String))
    asked = [*countries, *([None] if len(countries) > 1 else [])]
    every = whole.join(pl.DataFrame({"country_code": asked}, schema_overrides={"country_code": pl.String}), how="cross")
    table = every.join(
        pl.concat([single, joint], how="diagonal"),
        on=["feature", "country_code"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    ).with_columns(pl.col(*sums).fill_null(0.0))
    needed = target.needed_km2(whole["whole_km2"].to_numpy())
    with np.errstate(invalid="ignore"):
        shares = pl.Series(needed / whole["whole_km2"].to_numpy()).fill_nan(None)
    share_of = whole.select("feature", target_share=shares)
    here, protected_km2 = pl.col("here_km2"), pl.col("protected_km2")
    return (
        table.join(share_of, on="feature", how="left", maintain_order="left")
        .with_columns(
            protected_km2=pl.col("protected_area_km2") + pl.col("oecm_km2"), target_km2=pl.col("target_share") * here
        )
        .with_columns(
            scenario=pl.lit(protected.scenario),
            as_of=pl.lit(protected.as_of),
            feature_kind=pl.lit(kind),
            share_of_whole=pl.when(pl.col("whole_km2") > 0).then(here / pl.col("whole_km2")),
            protected_share=pl.when(here > 0).then(protected_km2 / here),
            missing_km2=(pl.col("target_km2") - protected_km2).clip(lower_bound=0),
            status=pl.when(here <= LEAST_KM2)
            .then(pl.lit(OUTSIDE))
            .when(protected_km2 >= pl.col("target_km2") * _ENOUGH)
            .then(pl.lit(MET))
            .when(protected_km2 > LEAST_KM2)
            .then(pl.lit(PARTIAL))
            .otherwise(pl.lit(GAP)),
            feature=pl.col("feature").replace_strict(dict(enumerate(names)), return_dtype=pl.String),
        )
        .select(REPRESENTATION.names())
    )


def responsibility(table: pl.DataFrame) -> pl.DataFrame:
    """Return for features that lie in several countries which of them holds how much, and who must act with whom.

    Parameters
    ----------
    table : polars.DataFrame of REPRESENTATION

    Returns
    -------
    polars.DataFrame of RESPONSIBILITY
        `shares` from the largest.
    """
    keys = ["scenario", "as_of", "feature_kind", "feature"]
    joint = table.filter(pl.col("country_code").is_null()).select(
        *keys, "share_of_whole", joint_status="status", joint_target_km2="target_km2"
    )
    here = table.filter(pl.col("country_code").is_not_null(), pl.col("status") != OUTSIDE)
    inside = pl.col("outside_band_km2") > LEAST_KM2
    in_band = here.filter(~inside).group_by(keys).agg(only_in_band=pl.col("country_code"))
    single = here.filter(inside)
    rows = single.join(joint.drop("share_of_whole"), on=keys, maintain_order="left")
    code, enough = pl.col("country_code"), pl.col("protected_km2") >= pl.col("joint_target_km2") * _ENOUGH
    met = pl.col("status") == MET
    found = (
        rows.sort("share_of_whole", descending=True, maintain_order=True)
        .group_by(keys, maintain_order=True)
        .agg(
            countries=code,
            shares=pl.col("share_of_whole"),
            joint_status=pl.col("joint_status").first(),
            meet_their_part=code.filter(met),
            miss_their_part=code.filter(~met),
            enough_alone=code.filter(enough),
            most_km2=pl.col("here_km2").max(),
            joint_target_km2=pl.col("joint_target_km2").first(),
        )
        .filter(pl.col("countries").list.len() > 1)
    )
    return (
        found.join(joint.select(*keys, share_elsewhere=1 - pl.col("share_of_whole")), on=keys, maintain_order="left")
        .join(in_band, on=keys, how="left", maintain_order="left")
        .with_columns(
            pl.col("only_in_band").fill_null([]),
            pl.col("share_elsewhere").clip(lower_bound=0),
            met_only_together=(pl.col("joint_status") == MET) & (pl.col("enough_alone").list.len() == 0),
            possible_only_together=pl.col("most_km2") < pl.col("joint_target_km2") * _ENOUGH,
        )
        .sort(keys)
        .select(RESPONSIBILITY.names())
    )

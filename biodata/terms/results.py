"""The columns of what analyses make: corridors, candidates, and the ground that was considered."""

from typing import Final

import polars as pl

from biodata.terms.columns import Column

CORRIDOR: Final = (
    Column("corridor_id", pl.String, "Identifier inside its run."),
    Column("run_id", pl.String, "The analysis run."),
    Column("from_area_id", pl.String, "Area where the corridor starts."),
    Column("to_area_id", pl.String, "Area where it ends."),
    Column("from_name", pl.String, "Name of the first area."),
    Column("to_name", pl.String, "Name of the second area."),
    Column("country_codes", pl.List(pl.String), "Countries that it links."),
    Column(
        "functional", pl.Boolean, "False where there is no functional link, for the reason in the notes of `evidence`."
    ),
    Column("least_cost", pl.Float64, "Accumulated cost of the cheapest path (LCD), cost-metres."),
    Column("euclidean_m", pl.Float64, "Straight distance between the two areas' edges, metres."),
    Column("path_length_m", pl.Float64, "Length of the cheapest path, metres."),
    Column("cost_ratio", pl.Float64, "least_cost divided by euclidean_m."),
    Column("cost_per_path_m", pl.Float64, "least_cost divided by path_length_m: mean resistance along the path."),
    Column("width_m", pl.Float64, "Median width of the corridor polygon along the path, metres."),
    Column("narrowest_m", pl.Float64, "Width at its narrowest place, metres."),
    Column("narrowest_longitude", pl.Float64, "Where that is, degrees."),
    Column("narrowest_latitude", pl.Float64, "Where that is, degrees."),
    Column("area_km2", pl.Float64, "Area of the corridor polygon, km²."),
    Column("evidence", pl.String, "JSON object: parameters, snapshot, boundary set, notes."),
    Column("sharing_category", pl.String, "Category of the strictest record that it was made from; open if none."),
    Column("path", pl.Binary, "Cheapest path as WKB line, degrees, WGS 84."),
    Column("geometry", pl.Binary, "Corridor as WKB polygon, degrees, WGS 84."),
)
"""The lake's and the release's table `corridors`."""

_TIER: Final = Column(
    "evidence_tier",
    pl.String,
    "certain: each side has a record that surely lies there of a species that another side has; probable: with the records "
    "of which at least one very likely does; null where neither holds.",
)
_VIEW: Final = Column(
    "evidence_view",
    pl.String,
    "public: made from what is published of the records alone; exact: from the records themselves.",
)
CANDIDATE: Final = (
    Column("candidate_id", pl.String, "Identifier inside its run."),
    Column("run_id", pl.String, "The analysis run."),
    Column("name", pl.String, "Names of the areas that it would join."),
    Column("area_ids", pl.List(pl.String), "The protected areas that it would join; empty for a cluster of cells."),
    Column("country_codes", pl.List(pl.String), "Countries that it would join."),
    _TIER,
    Column("rank", pl.Int32, "Place of the run by acceptability, 1 the first; then by within_first and the mean rank."),
    Column("front", pl.Int32, "Pareto front: 1 is dominated by no other candidate of the run."),
    Column("acceptability", pl.Float64, "Share of sampled weights under which it stands first, 0-1."),
    Column("within_first", pl.Float64, "Share of sampled weights under which it stands among the first k, 0-1."),
    Column("parts", pl.String, "JSON object: each criterion's value, direction, unit, input and meaning."),
    Column("boundary_disagreement_km2", pl.Float64, "Overlap inside the border band: no evidence, shown only."),
    Column("area_km2", pl.Float64, "Area of the polygon, km²."),
    Column(
        "evidence", pl.String, "JSON object: parameters, boundary set, hard criteria, species by side, ranking, notes."
    ),
    _VIEW,
    Column("sharing_category", pl.String, "Category of the strictest record that the run read; open if public."),
    Column("geometry", pl.Binary, "WKB polygon, degrees, WGS 84."),
)
"""The lake's and the release's table `reserve_candidates`."""

CONSIDERED: Final = (
    Column("considered_id", pl.String, "Identifier inside its run."),
    Column("run_id", pl.String, "The analysis run."),
    Column("name", pl.String, "Names of the areas that were looked at together."),
    Column("area_ids", pl.List(pl.String), "Those protected areas; empty for a cluster of cells."),
    Column("country_codes", pl.List(pl.String), "Their countries."),
    Column("outcome", pl.String, "candidate, failed, or without_evidence where the run had no records at all."),
    Column(
        "failed", pl.List(pl.String), "Hard criteria that are not passed; those that could not be tested among them."
    ),
    Column(
        "reason",
        pl.String,
        "The first hard criterion that is not passed, in words with its numbers; null of a candidate.",
    ),
    _TIER,
    Column("evidence", pl.String, "JSON object: each hard criterion's outcome, input and meaning; boundary set."),
    _VIEW,
    Column("sharing_category", pl.String, "Category of the strictest record that the run read; open if public."),
    Column("geometry", pl.Binary, "WKB polygon, degrees, WGS 84."),
)
"""The lake's and the release's table `considered_ground`: everything that was looked at, with the criteria it fails."""

"""What a comparison of scenarios tells: as tables that are kept, and as lines for a person."""

from typing import TYPE_CHECKING, Any

import polars as pl

from biodata.run_engines.work import told_table

if TYPE_CHECKING:
    from biodata.analysis.scenarios.comparing import Comparison


def tables(found: "Comparison", facts: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return pairs, crossings and barriers, without their places, and what was asked."""
    bounds = facts["boundaries"]
    named = {
        "boundary_set": bounds["name"], "boundary_version": bounds["version"], "viewpoint": bounds["viewpoint"],
        "band_m": bounds["band_m"],
    }  # fmt: skip
    kinds = {"tied_with": pl.String, "order": pl.Int64, "order_eca_km2": pl.Float64}
    crossings = [
        {name: getattr(one, name) for name in one.__slots__} | {"tied_with": ", ".join(one.tied_with)}
        for one in found.crossings
    ]
    barriers = [{name: getattr(one, name) for name in one.__slots__} for one in found.barriers]
    return {
        "pairs": pl.from_pandas(found.pairs.drop(columns="geometry")),
        "crossings": pl.DataFrame(crossings, schema_overrides=kinds) if crossings else pl.DataFrame(),
        "barriers": pl.DataFrame(barriers),
        "told": told_table(facts | named),
    }


def lines(found: "Comparison") -> list[str]:
    """Return what came out as lines for a person, what became of pairs first."""
    counts = found.pairs["change"].value_counts()
    eca = found.eca_km2
    shut = f", {eca['shut']:,.6g} with every crossing shut" if found.crossings else ""
    told = [
        f"{len(found.pairs)} pairs: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'none'}",
        *(f"note: {note}" for note in found.notes),
        f"equivalent connected area: {eca['open']:,.6g} km² open, {eca['closed']:,.6g} with the barriers{shut}",
    ]
    told += [
        f"{one.barrier_id} alone: of any two areas, neighbours or not, {one.pairs_cut} pairs cut, {one.pairs_dearer} dearer, "
        f"{one.eca_lost_km2:,.4g} km² of equivalent connected area lost"
        for one in found.barriers
    ]
    for one in found.crossings:
        place = "gains nothing more" if one.order is None else f"{one.order}. in order"
        tied = f", tied with {', '.join(one.tied_with)}" if one.tied_with else ""
        told.append(
            f"{one.name}: alone +{one.alone_eca_km2:,.4g} km², {one.alone_pairs_opened} pairs opened, "
            f"{one.last_eca_km2:,.4g} km² lost without it; {place}{tied}"
        )
    return told

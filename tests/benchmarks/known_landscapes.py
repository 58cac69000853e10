"""Known transboundary landscapes of the facts, by the parks that the real data hold, and the records there, counted by side."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from biodata import places
from biodata.analysis import evidence

LANDSCAPES = {
    "1 Mekong Headwaters": ["Nam Ha National Protected Area"],
    "3 Hkakaborazi - Gaoligong - Imawbum": ["Hkakaborazi National Park"],
    "5 Northern and Central Annamites": ["Pu Mat", "Vu Quang National Park"],
    "6 Tri-border forest": ["Virachey National Park", "Chu Mom Ray National Park"],
    "8 Eastern Forest Complex - Cardamom": ["Phnom Samkos", "Samlaut", "Southern Cardamoms"],
    "10 Dawna-Tenasserim": ["Kaeng Krachan Forest Complex"],
    "14 Hoang Lien - Huanglianshan": ["Hoang Lien Sa Pa National Park"],
}


def records(
    both: pd.DataFrame, window: tuple[float, ...], uncertainty_m: float | None, boundaries: places.BoundarySet
) -> evidence.Counted:
    """Return the records of the window, counted by side; of all years, for there are few."""
    both = both[both["decimalLongitude"].between(*window[::2]) & both["decimalLatitude"].between(*window[1::2])]
    radius = pd.to_numeric(both["coordinateUncertaintyInMeters"], errors="coerce").astype(float)
    frame = pl.DataFrame({
        "key": np.arange(len(both)),
        "species": both["species"].astype("string").fillna("").to_list(),
        "basisOfRecord": both["basisOfRecord"]
        .astype("string")
        .str.upper()
        .str.replace(" ", "_")
        .fillna("HUMAN_OBSERVATION")
        .to_list(),
        "decimalLongitude": both["decimalLongitude"].to_numpy(float),
        "decimalLatitude": both["decimalLatitude"].to_numpy(float),
        "coordinateUncertaintyInMeters": (
            radius if uncertainty_m is None else radius.fillna(uncertainty_m)
        ).to_numpy(),
        "year": pd.to_numeric(both["year"], errors="coerce").to_numpy(float),
    }).with_columns(pl.col(pl.Float64).fill_nan(None), pl.col("species").replace("", None))  # fmt: skip
    frame = frame.with_columns(pl.col("year").cast(pl.Int32))
    parameters = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=10_000.0, recent_years=None)
    return evidence.counted(frame, boundaries=boundaries, parameters=parameters)


def shared_records(shared: Path) -> pd.DataFrame:
    """Return elephants, bovids and the mammals of Borneo, each place of a species once."""
    elephants = pd.read_csv(shared / "data/occ_elephas_maximus_gbif/elephas_maximus_gbif.csv", na_values="-")
    elephants["species"] = "Elephas maximus"
    bovids = pd.read_csv(shared / "data/occ_bovidae_gbif_raw/Gbif_raw_allBov.csv", encoding="mac_roman")
    columns = ["n", "species", "decimalLatitude", "decimalLongitude", "class"]
    borneo = pd.read_csv(shared / "data/occ_borneo_mammals/mammals_borneo.tsv", sep="\t", names=columns, skiprows=1)
    return pd.concat([elephants, bovids, borneo.drop_duplicates(columns[1:])], ignore_index=True)

"""Tags of Timelapse known by their headings, the folder as it is compared, and why a picture is left out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.ingest import camera_traps

TAGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "file": ("file",),
        "folder": ("relativepath",),
        "root": ("rootfolder", "folder"),
        "at": ("datetime",),
        "day": ("date",),
        "time": ("time",),
        "deleted": ("deleteflag", "markfordeletion"),
        "name": ("scientificname", "species", "taxon", "animal", "speciesname", "specieslabel"),
        "vernacular": ("commonname", "vernacularname"),
        "count": ("count", "individualcount", "number", "quantity", "counter0", "numberofanimals", "howmany"),
        "sex": ("sex",),
        "stage": ("age", "lifestage", "ageclass"),
        "behavior": ("behavior", "behaviour"),
        "individual": ("individualid", "individual"),
        "remarks": ("comments", "comment", "notes", "note", "note0", "remarks"),
        "latitude": ("latitude", "decimallatitude", "lat"),
        "longitude": ("longitude", "decimallongitude", "lon", "long"),
        "person": ("person", "people", "human", "humans", "humanpresent", "peoplepresent"),
        "vehicle": ("vehicle", "vehicles", "vehiclepresent"),
        "blank": ("empty", "blank", "noanimal", "nothing"),
    }
)
"""What a column tells, by its heading in small letters without spaces and underscores; the first that is there is taken."""

_TRUE: Final = ("true", "yes", "y", "1", "x")


def plain(heading: str) -> str:
    """Return a heading in small letters without spaces and underscores."""
    return heading.strip().strip("\ufeff").lower().replace("_", "").replace(" ", "")


def tagged(batch: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that are known by their headings, with the folder as it is compared."""
    by_plain = {plain(heading): heading for heading in reversed(batch.columns)}
    chosen = {tag: next((by_plain[name] for name in names if name in by_plain), None) for tag, names in TAGS.items()}
    frame = batch.select(
        "source_row",
        *(
            pl.col(heading).alias(tag) if heading is not None else pl.lit(None, dtype=pl.String).alias(tag)
            for tag, heading in chosen.items()
        ),
    )
    folder = pl.col("folder").str.replace_all("\\", "/", literal=True).str.strip_chars("/ ")
    return frame.with_columns(
        folder=pl.coalesce(pl.when(folder != "").then(folder), "root"),
        at=pl.coalesce("at", pl.concat_str("day", "time", separator=" ", ignore_nulls=True)),
    ).with_columns(at=pl.when(pl.col("at") != "").then("at"))


def deployments_of(places: pl.DataFrame) -> pl.DataFrame:
    """Return the deployment of each folder, compared as `tagged` writes them."""
    told = pl.coalesce("folder", "eventID") if "folder" in places.columns else pl.col("eventID")
    folder = told.str.replace_all("\\", "/", literal=True).str.strip_chars("/ ")
    return places.select(folder=folder, deployment="eventID").unique("folder", keep="first", maintain_order=True)


def why_left_out(again: pl.Series, *, asked: bool) -> pl.Expr:
    """Return why rows are left out; null for an animal."""

    def marked(tag: str) -> pl.Expr:
        told = pl.col(tag).str.strip_chars().str.to_lowercase()
        return told.is_in(_TRUE) | (told.cast(pl.Float64, strict=False) > 0)

    nothing = pl.all_horizontal(pl.col("name", "vernacular").is_null())
    return pl.coalesce(
        pl.when(marked("deleted")).then(pl.lit("DELETED_LEFT_OUT")),
        pl.when(marked("person")).then(pl.lit("PERSON_LEFT_OUT")),
        pl.when(marked("vehicle")).then(pl.lit("VEHICLE_LEFT_OUT")),
        camera_traps.why_left_out(pl.col("name")),
        camera_traps.why_left_out(pl.col("vernacular")),
        pl.when(marked("blank") & nothing).then(pl.lit("BLANK_LEFT_OUT")),
        pl.when(nothing).then(pl.lit("UNCLASSIFIED_LEFT_OUT")),
        pl.when(pl.col("folder").is_null() | (pl.lit(asked) & pl.col("deployment").is_null())).then(
            pl.lit("DEPLOYMENT_UNKNOWN")
        ),
        pl.when(pl.lit(again)).then(pl.lit("PICTURE_REPEATED")),
    )

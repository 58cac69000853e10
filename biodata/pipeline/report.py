"""What became of every row of an ingest, in numbers that add up and as one line a row."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from biodata.core.errors import Refusal
from biodata.formats.records import Repair


@dataclass
class IngestReport:
    """What became of every row of one table; `rows` = `stored` + `unchanged` + `refused`.

    Attributes
    ----------
    dataset : str
        The dataset that rows without one of their own were given.
    table : str
        The lake's table.
    source : str
        What was read: the file, sheet or service.
    rows, stored, unchanged, refused : int
        Rows read, taken in (new or changed), known already, and not taken in.
    new, changed, gone : int
        Parts of `stored`; and records that are no longer in the source.
    flags : dict of str to int
        How many rows carry each flag.
    not_mapped : dict of str to int
        Of protected areas: how many sites without geometry each country has, `-` where none is stated.
    refusals : list of Refusal
        Each row that was not taken in, and why.
    repairs : list of Repair
        What was mended while the file was read, by kind.
    quality : dict of str to dict of str to int
        How many rows are compliant, not compliant, or cannot be tested, by validation of TDWG BDQ Core.
    notes : list of str
        What was concluded from the table as a whole.
    snapshot : int or None
        The lake's version afterwards; None for a dry run.
    """

    dataset: str
    table: str
    source: str
    rows: int = 0
    stored: int = 0
    unchanged: int = 0
    refused: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    flags: dict[str, int] = field(default_factory=dict)
    not_mapped: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    quality: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    snapshot: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**asdict(self), "refusals": [refusal.as_dict() for refusal in self.refusals]}

    def without_values(self) -> dict[str, Any]:
        """Return the report as the registry keeps it, which the service reads: where rows were refused and by which code.

        A refused value can be the exact place of a sensitive species, and a message tells it too. So do counts of doubts:
        of a hidden record that was taken in alone, that it lies near a county's seat or a border.
        """
        places = [
            {"file": r.file, "sheet": r.sheet, "row": r.row, "column": r.column, "code": r.code} for r in self.refusals
        ]
        return {**asdict(self), "refusals": places, "notes": [], "flags": {}, "quality": {}}


def quality_counts(counts: Sequence[pl.DataFrame]) -> dict[str, dict[str, int]]:
    """Return the answers to each test over all batches, by label; tests that could be put to no row are left out."""
    if not counts:
        return {}
    kinds = ["compliant", "not_compliant", "internal", "external"]
    summed = pl.concat(counts).group_by("label", maintain_order=True).agg(pl.col(kinds).sum())
    ran = summed.filter(pl.col("compliant") + pl.col("not_compliant") > 0)
    return {row.pop("label"): row for row in ran.to_dicts()}


def write_outcomes(entries: Iterable[tuple[IngestReport, Sequence[pl.DataFrame]]], path: Path) -> None:
    """Write one line a row: where it went, and its flags or the reason of its refusal.

    Parameters
    ----------
    entries : iterable of (IngestReport, sequence of polars.DataFrame)
        Of each table its report, and of its rows that were interpreted `source_file`, `source_row` and, where rows are
        flagged, `quality_flags`.
    path : Path
        The CSV file.
    """
    columns = ["file", "row", "outcome", "flags", "message"]
    parts = []
    for report, outcomes in entries:
        refused = pl.DataFrame(
            {
                "file": [r.file for r in report.refusals],
                "row": [r.row for r in report.refusals],
                "outcome": ["refused"] * len(report.refusals),
                "flags": [r.code for r in report.refusals],
                "message": [r.message for r in report.refusals],
            },
            schema=dict.fromkeys(columns, pl.String) | {"row": pl.Int64},
        )
        for frame in outcomes:
            flags = pl.col("quality_flags").list.join(";") if "quality_flags" in frame.columns else pl.lit("")
            taken = frame.select(
                file="source_file", row="source_row", outcome=pl.lit("taken in"), flags=flags, message=pl.lit("")
            )
            parts.append(taken.join(refused.select("file", "row"), on=["file", "row"], how="anti"))
        parts.append(refused)
    pl.concat(parts).sort("file", "row").write_csv(path)

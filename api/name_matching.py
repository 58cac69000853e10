"""The checklists of a release made ready to match names against; made at the first name that is asked."""

from typing import Any

import polars as pl


class Matching:
    """Matches names to the checklists of one release, as an ingest does.

    Parameters
    ----------
    taxa : polars.DataFrame
        `terms.TAXON` of the release.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        # Loaded at the first match: a service that is never asked for one does not need it.
        from biodata.harmonise.checklists import Checklist

        self._checklist = Checklist(taxa)

    def match(self, name: str, above: dict[str, str | None], author: str | None) -> dict[str, Any] | None:
        """Match one name.

        Parameters
        ----------
        name : str
            With or without author.
        above : dict of rank to name
            What is known of its classification.
        author : str, optional
            Its author where it stands apart.

        Returns
        -------
        dict or None
            What `Checklist.match` and `Checklist.accepted` tell, and `canonical`, the name without author; None where
            the text is no scientific name.
        """
        from biodata.text.matcher import kingdom
        from biodata.text.scientific_names import parse_names

        parsed = parse_names(pl.Series([name], dtype=pl.String))
        if parsed["canonical"].item() is None:
            return None
        asked = parsed.with_columns(
            *(pl.lit(above.get(rank), dtype=pl.String).alias(f"told_{rank}") for rank in ("kingdom", "family", "genus"))
        ).select(
            name="canonical",
            species=pl.when(pl.col("specific_epithet").is_not_null()).then(
                pl.concat_str("genus", "specific_epithet", separator=" ")
            ),
            genus=pl.coalesce("genus", "told_genus", "uninomial"),
            author=pl.coalesce("authorship", pl.lit(author, dtype=pl.String)),
            kingdom=kingdom(pl.col("told_kingdom")),
            family=pl.col("told_family").str.to_titlecase(),
        )
        found = self._checklist.match(asked)
        accepted = self._checklist.accepted(found["taxon"])
        return {
            "canonical": parsed["canonical"].item(),
            **found.drop("taxon", "alternatives").row(0, named=True),
            **accepted.row(0, named=True),
        }

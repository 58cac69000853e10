"""A dataset as a catalogue tells of it: what EML, schema.org and DCAT are written from, published values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from biodata.exports.eml import Cited, EmlFacts
from biodata.sharing.labels import in_words
from biodata.sharing.licences import LICENCES, MEDIA, UNSPECIFIED

OCCURRENCE: Final = "OCCURRENCE"
TYPES: Final = (OCCURRENCE, "CHECKLIST", "METADATA")
"""GBIF's names for what a dataset is."""

_KEYWORDS: Final = {
    OCCURRENCE: ("Occurrence", "Darwin Core", "biodiversity"),
    "CHECKLIST": ("Checklist", "Darwin Core", "biodiversity"),
    "METADATA": ("Metadata", "biodiversity"),
}
_WHAT: Final = {"CHECKLIST": "A checklist of names; no occurrences.", "METADATA": "Areas or layers; no occurrences."}


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """What is told of a dataset.

    Attributes
    ----------
    key : str
        Its key.
    url : str
        Its page.
    title : str
        Title; the key where it has none.
    description : tuple of str
        Paragraphs.
    publisher : str, optional
        The organisation that published it.
    license : str
        In GBIF's spelling; UNSPECIFIED where none is told.
    citation, doi : str, optional
        How its publisher wants it cited.
    records, placed, generalised, species : int
        Published records, those with coordinates, presences of sensitive taxa, and different species.
    bounds : (west, south, east, north), optional
        Degrees, of the published coordinates.
    years : (int, int), optional
        First and last.
    issued, modified : str
        ISO 8601: when it was first taken in, and when the release was made.
    release : str
        The release.
    type : str
        As GBIF names it: OCCURRENCE, CHECKLIST, or METADATA for areas and layers.
    groups : mapping of str to int
        Records by class or phylum, the most frequent first.
    files : mapping of str to (address, media type)
        Where its records are had, by name.
    license_effective : str, optional
        The strictest licence that holds for its records, in GBIF's spelling; None where there are none.
    labels : tuple of str
        Codes of the labels of communities that some of its records carry, sorted.
    permits : tuple of str
        The permits that it rests on, in words.
    permit_notices : tuple of str
        Sentences: what is to be heeded of them, or that none is told.
    surveys : int
        Published survey events.
    survey_bounds : (west, south, east, north), optional
        Degrees, of their published places.
    """

    key: str
    url: str
    title: str
    description: tuple[str, ...]
    publisher: str | None
    license: str
    citation: str | None
    doi: str | None
    records: int
    placed: int
    generalised: int
    species: int
    bounds: tuple[float, float, float, float] | None
    years: tuple[int, int] | None
    issued: str
    modified: str
    release: str
    type: str = OCCURRENCE
    groups: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    license_effective: str | None = None
    labels: tuple[str, ...] = ()
    permits: tuple[str, ...] = ()
    permit_notices: tuple[str, ...] = ()
    surveys: int = 0
    survey_bounds: tuple[float, float, float, float] | None = None

    @property
    def keywords(self) -> tuple[str, ...]:
        """Words by which it is found."""
        return _KEYWORDS[self.type]

    @property
    def counts(self) -> str:
        """How much is published of it, in words."""
        if self.type != OCCURRENCE:
            return _WHAT[self.type]
        if not self.records:
            return (
                "No occurrence of this dataset is in this release: its records were withdrawn, or sharing rules "
                "withhold all of them."
            )
        return f"{self.records:,} published records, {self.placed:,} with coordinates, {self.species:,} species."

    @property
    def license_name(self) -> str:
        """The licence that holds in words."""
        return LICENCES.get(self.license_effective or self.license, LICENCES["UNSUPPORTED"])[0]

    @property
    def license_url(self) -> str | None:
        """The address of the licence that holds, where it has one."""
        return LICENCES.get(self.license_effective or self.license, LICENCES["UNSUPPORTED"])[1]

    @property
    def rights(self) -> str:
        """What is to be heeded by whoever uses it: licence, labels of communities, permits."""
        unknown = (self.license_effective or self.license) == UNSPECIFIED
        parts = ["No licence is told." if unknown else f"This work is licensed under {self.license_name}."]
        if self.license_effective not in (None, self.license) and self.license != UNSPECIFIED:
            parts.append("That is the strictest licence of its records; some are under a more permissive one.")
        if self.records:
            parts.append(MEDIA)
        if self.labels:
            parts.append(in_words(self.labels))
        if self.permits:
            parts.append(f"It rests on {'; '.join(self.permits)}.")
        return " ".join([*parts, *self.permit_notices])

    @property
    def doi_url(self) -> str | None:
        """The DOI as an address."""
        return f"https://doi.org/{self.doi.removeprefix('https://doi.org/')}" if self.doi else None

    @property
    def cite(self) -> str:
        """How to cite it: in its publisher's words, else in ours."""
        if self.citation:
            return self.citation
        year, where = self.modified[:4], self.doi_url or self.url
        return (
            f"{self.publisher} ({year}). {self.title}. {where}" if self.publisher else f"{self.title} ({year}). {where}"
        )

    @property
    def generalisation(self) -> str:
        """The statement about presences; nothing where there are no rows."""
        if not self.records:
            return ""
        if not self.generalised:
            return "No published row stands for records of a sensitive taxon. Records that sharing rules withhold are not counted."
        return (
            f"{self.generalised:,} of {self.records:,} published rows are presences: each stands for all records of a "
            "sensitive taxon in a grid cell. Records that sharing rules withhold are not counted."
        )


def eml_facts(entry: DatasetEntry) -> EmlFacts:
    """Return what a dataset's EML tells."""
    url = entry.license_url
    named = None if url is None else (entry.license_name, url)
    return EmlFacts(
        package_id=f"{entry.key}/{entry.release}",
        title=entry.title,
        published=entry.modified,
        publisher=entry.publisher or entry.title,
        abstract=entry.description or (entry.counts,),
        citation=Cited(entry.cite, entry.doi_url or entry.url),
        rights=entry.rights,
        license=named,
        identifiers=tuple(i for i in (entry.doi_url, entry.key) if i),
        notes=tuple(text for text in (entry.counts, entry.generalisation) if text),
        bounds=entry.bounds,
        years=entry.years,
        keywords=entry.keywords,
        provider="biodata",
        link=entry.url,
        taxa=tuple(entry.groups),
    )

"""Which source a file is for, stated by what it holds: so that whoever names another one is answered with what to type."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.core.errors import InputError
from biodata.formats import delimited
from biodata.formats.archives import is_archive, open_archive
from biodata.formats.dwca import META, open_dwca
from biodata.ingest import forms
from biodata.ingest.table_headings import term_of

_MAPS: Final = (".gpkg", ".shp", ".geojson", ".gdb", ".kml")
_RASTERS: Final = (".tif", ".tiff")
_OF_TAXA: Final = frozenset({"taxonID", "taxonRank", "taxonomicStatus", "acceptedNameUsage", "acceptedNameUsageID"})
_OF_RECORDS: Final = frozenset(
    {
        "occurrenceID",
        "gbifID",
        "basisOfRecord",
        "eventID",
        "eventDate",
        "decimalLatitude",
        "recordedBy",
        "catalogNumber",
    }
)
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "camtrapdp": "a Camtrap DP package",
        "detections": "results of MegaDetector or SpeciesNet",
        "dwca": "tables of a survey in Darwin Core",
        "kobo": "an export of KoboToolbox",
        "smart": "patrols of SMART",
        "wildlife-insights": "a download of Wildlife Insights",
        "survey": "a table of records",
    }
)


class Kind(NamedTuple):
    """What a file is.

    Attributes
    ----------
    source : str
        The source that reads it, of `biodata.ingest.SOURCES`.
    words : str
        What a person calls it.
    """

    source: str
    words: str


def kind_of(paths: Sequence[Path]) -> Kind | None:
    """Return what files are that belong together; None where nothing tells it for certain.

    Examples
    --------
    >>> kind_of([Path("roads.gpkg")]).source
    'layer'
    """
    if not paths:
        return None
    suffix = paths[0].suffix.lower()
    if suffix in _MAPS:
        return Kind("layer", "a map; protected areas are read by the source protected-areas")
    if suffix in _RASTERS:
        return Kind("layer", "a raster")
    try:
        if len(paths) == 1 and is_archive(paths[0]) and META in open_archive(paths[0]).sizes:
            return _of_archive(paths[0])
        source = forms.recognise(paths)
        return _of_text(paths[0]) if source == forms.SHEETS else Kind(source, _WORDS[source])
    except InputError:
        return None


def _of_archive(path: Path) -> Kind:
    """Return what a Darwin Core Archive is."""
    description = open_dwca(path).description
    kind = "Occurrence" if description is None else description.core.kind
    if kind == "Taxon":
        return Kind("checklist", "a Darwin Core Archive of taxa, a checklist")
    return Kind("dwca", f"a Darwin Core Archive of {'events' if kind == 'Event' else 'occurrences'}")


def _of_text(path: Path) -> Kind:
    """Return what a workbook or a table of text is, by its headings."""
    if is_archive(path):  # a workbook, or texts in a zip
        return Kind(forms.SHEETS, "a workbook or a zip of tables")
    headings = delimited.read(lambda: path.open("rb"), file=path.name).headings
    terms = {term_of(heading) for heading in headings}
    if terms & _OF_TAXA and "scientificName" in terms and not terms & _OF_RECORDS:
        return Kind("checklist", "a table of taxa, a checklist")
    if "scientificName" in terms and len(terms & _OF_RECORDS) > 1:
        return Kind("gbif", "a table of records with Darwin Core's headings")
    return Kind(forms.SHEETS, _WORDS[forms.SHEETS])

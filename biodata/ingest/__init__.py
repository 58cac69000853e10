"""Verbatim records out of somewhere: one file a source, and its line in `SOURCES`."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

from biodata.core.errors import InputError, UnknownSourceError
from biodata.ingest.protocol import Source

SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gbif": "biodata.ingest.gbif:GbifSource",
        "dwca": "biodata.ingest.dwca:DwcaSource",
        "protected-areas": "biodata.ingest.protected_areas:ProtectedAreaSource",
        "checklist": "biodata.ingest.checklist:ChecklistSource",
        "layer": "biodata.ingest.layer:LayerSource",
        "survey": "biodata.ingest.survey:SurveySource",
        "camtrapdp": "biodata.ingest.camtrapdp:CamtrapDp",
        "smart": "biodata.ingest.smart:SmartSource",
        "kobo": "biodata.ingest.kobo:KoboSource",
        "wildlife-insights": "biodata.ingest.wildlife_insights:WildlifeInsightsSource",
        "detections": "biodata.ingest.detections:DetectionsSource",
    }
)
"""Name → 'module:Class'; a module is imported when its source is opened, so that light commands stay light."""


def open_source(
    name: str,
    paths: Sequence[Path],
    *,
    dataset: str | None = None,
    options: Mapping[str, str] | None = None,
    progress: bool = False,
) -> Source:
    """Open a source by its name.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.
    paths : sequence of Path
        The files or folders to read.
    dataset : str, optional
        Key of the dataset for rows that do not state their own.
    options : mapping, optional
        What the source lets one choose, such as `encoding`; see its class.
    progress : bool
        Show a progress bar.

    Raises
    ------
    UnknownSourceError
        If there is no source of that name.
    InputError
        If an option is not known, or a path is not there.
    """
    if name not in SOURCES:
        raise UnknownSourceError(name, list(SOURCES))
    for path in paths:
        if not path.exists():
            problem = "there is no such file"
            raise InputError(problem, file=str(path), code="FILE_MISSING")
    module, _, class_name = SOURCES[name].partition(":")
    source = getattr(import_module(module), class_name)
    return cast("Source", source(paths, dataset=dataset, options=options or {}, progress=progress))

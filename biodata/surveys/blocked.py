"""What blocks a survey blocks it by every way in: the command that ingests asks the same check as the service."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from biodata import places
from biodata.errors import InputError, Refusal
from biodata.ingest import forms
from biodata.ingest.protocol import DECLARABLE
from biodata.ingest.survey import SurveySource, surveys_of_files
from biodata.pipeline import IngestReport
from biodata.settings import Settings
from biodata.store import heading_mappings
from biodata.store.registry import Registry
from biodata.surveys.check import check_files


def blocked(paths: Sequence[Path], settings: Settings, *, dataset: str | None, options: Mapping[str, str]) -> list[IngestReport]:  # fmt: skip
    """Return a report of each survey that is blocked: every row is refused, each blocking problem a refusal.

    `dataset` and `options` are as `pipeline.ingest` takes them. A file that cannot be read at all is left to it, which says
    why; files in the form of another source are refused (OPTIONS_UNFIT).
    """
    form = forms.SHEETS
    with suppress(InputError):  # what reads them says what is wrong with them
        form = forms.recognise(paths)
    if form != forms.SHEETS:
        problem = f"these are no sheets: they are in the form of the source {form}"
        expected = f"`biodata ingest {form}`; or `biodata survey submit`, which takes every form, whole or not at all"
        raise InputError(problem, column="SOURCE", value=forms.SHEETS, expected=expected, code="OPTIONS_UNFIT")
    declared = {name: options[name] for name in DECLARABLE if name in options}
    told = {name: value for name, value in options.items() if name not in DECLARABLE}
    source = SurveySource(paths, dataset=dataset, options=told)
    kept = source.kept
    if dataset is not None and settings.data.is_dir():
        with Registry.open(settings) as registry:
            kept = heading_mappings.kept(registry, dataset) | kept
    boundaries = places.load_boundaries(settings.boundaries)
    found = []
    for files in surveys_of_files(paths):
        report = check_files(files, boundaries, encoding=source.encoding, kept=kept, declared=declared, dataset=dataset)
        if report["rows"] and not report["ok"]:
            found.append(_refused(report, dataset))
    return found


def _refused(report: Mapping[str, Any], dataset: str | None) -> IngestReport:
    """Return a check's report as that of an ingest which took nothing in."""
    told = ("file", "row", "column", "value", "code", "message", "sheet")
    refusals = [Refusal(*(one[name] for name in told)) for one in report["problems"] if one["blocking"]]
    rows, file = report["rows"], report["file"]
    return IngestReport(dataset or "", "occurrences", file, rows=rows, refused=rows, refusals=refusals)

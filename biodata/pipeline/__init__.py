"""From a source to the lake, and from the lake to a release, in one call each."""

from biodata.pipeline.ingesting import commit, ingest
from biodata.pipeline.leak_check import LeakReport
from biodata.pipeline.openness import REASONS, Openness, openness
from biodata.pipeline.preview import Preview, interpreted, preview
from biodata.pipeline.reading import Interpreted, Opened, dataset_key, interpreting, tombstones
from biodata.pipeline.releasing import check_again, look_for_leaks, release
from biodata.pipeline.report import IngestReport

__all__ = [
    "REASONS",
    "IngestReport",
    "Interpreted",
    "LeakReport",
    "Opened",
    "Openness",
    "Preview",
    "check_again",
    "commit",
    "dataset_key",
    "ingest",
    "interpreted",
    "interpreting",
    "look_for_leaks",
    "openness",
    "preview",
    "release",
    "tombstones",
]

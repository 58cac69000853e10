"""From a source to the lake, and from the lake to a release, in one call each."""

from biodata.pipeline.ingesting import dataset_key, ingest
from biodata.pipeline.leak_check import LeakReport
from biodata.pipeline.preview import Preview, interpreted, preview
from biodata.pipeline.releasing import look_for_leaks, release
from biodata.pipeline.report import IngestReport
from biodata.pipeline.views_again import check_again

__all__ = [
    "IngestReport",
    "LeakReport",
    "Preview",
    "check_again",
    "dataset_key",
    "ingest",
    "interpreted",
    "look_for_leaks",
    "preview",
    "release",
]

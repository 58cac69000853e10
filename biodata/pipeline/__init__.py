"""From a source to the lake, and from the lake to a release, in one call each."""

from biodata.pipeline.ingesting import ingest
from biodata.pipeline.leak_check import LeakReport
from biodata.pipeline.preview import Preview, interpreted, preview
from biodata.pipeline.releasing import look_for_leaks, release
from biodata.pipeline.report import IngestReport

__all__ = ["IngestReport", "LeakReport", "Preview", "ingest", "interpreted", "look_for_leaks", "preview", "release"]

"""From a source to the lake, and from the lake to a release, in one call each."""

from biodata.pipeline.ingesting import ingest
from biodata.pipeline.releasing import release
from biodata.pipeline.report import IngestReport

__all__ = ["IngestReport", "ingest", "release"]

"""The story of a record: each value beside what was stated, the rules that read it, doubts, versions, and what goes out.

A story holds what the lake holds, exact places among it: it is for the owner of an installation, and the API has none.
"""

from biodata.stories.record_story import explain
from biodata.stories.story import Story

__all__ = ["Story", "explain"]

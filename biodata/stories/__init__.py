"""The story of a record: each value beside what was told, the rules that read it, doubts, versions, and what goes out.

A story holds what the lake holds, exact places among it: it is for the owner of an installation, and the API has none.
"""

from biodata.stories.story import Story
from biodata.stories.telling import explain, find_key

__all__ = ["Story", "explain", "find_key"]

"""What only the whole lake tells of a record: clusters, and places that look wrong beside the others.

Two audiences, two runs of the same rules. `assess` looks at every record of the lake and keeps what it finds in the
lake's table `assessments`, for analyses and curators. `of_release` looks at the published rows of open records alone,
and at which of these were equal rows of a file without identifiers: what a release tells of them is a function of them.
So no link, no flag and no hidden record of a release can state anything of a record that is generalised or withheld.
Leaving out only the groups that hold such a record would not do: two open records that plainly are one, and yet are not
linked, would tell of a third.
"""

from biodata.assessments.finding import RELEASE_COLUMNS, find, of_release, with_utc
from biodata.assessments.neighbours import Neighbours
from biodata.assessments.standing import forget, held_results, left_behind, published_results, remember
from biodata.assessments.table import (
    RULE_VERSION,
    WORLD,
    AssessReport,
    assess,
    beside_others,
    in_view,
    of_open,
    unidentified,
)

__all__ = [
    "RELEASE_COLUMNS", "RULE_VERSION", "WORLD", "AssessReport", "Neighbours", "assess", "beside_others", "find",
    "forget", "held_results", "in_view", "left_behind", "of_open", "of_release", "published_results", "remember",
    "unidentified", "with_utc",
]  # fmt: skip

"""What was decided about the headings of a dataset's uploads."""

import json

from sqlalchemy import select

from biodata.store.models import HeadingMapping
from biodata.store.registry import Registry


def kept(registry: Registry, dataset: str) -> dict[str, str]:
    """Return what was decided about a dataset's headings."""
    with registry.session(read_only=True) as session:
        own = select(HeadingMapping).where(HeadingMapping.dataset == dataset).order_by(HeadingMapping.heading)
        return {row.heading: row.term for row in session.scalars(own)}


def options(registry: Registry, dataset: str) -> dict[str, str]:
    """Return what was decided of a dataset's headings as the option of its source; none where nothing was."""
    found = kept(registry, dataset)
    return {"headings": json.dumps(found)} if found else {}

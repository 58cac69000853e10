"""Citations: what was asked of which release and what came out, kept so that it can be asked again."""

from sqlalchemy import select

from biodata.store.models import Citation
from biodata.store.registry import Registry


def cited_snapshots(registry: Registry) -> frozenset[int]:
    """Return the lake's versions that a citation tells of: none of them may ever be expired."""
    with registry.session(read_only=True) as session:
        return frozenset(session.scalars(select(Citation.snapshot).distinct()))

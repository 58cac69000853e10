"""What was accepted for a dataset's uploads, and what of it says which term a heading is of: `heading.HEADING=TERM`."""

import json
from collections.abc import Iterable
from typing import Final

from sqlalchemy import select

from biodata.store.models import AcceptedProposal
from biodata.store.registry import Registry

PREFIX: Final = "heading."


def accepted_of(registry: Registry, dataset: str | None) -> list[str]:
    """Return what was accepted for a dataset before; nothing where none is named."""
    asked = select(AcceptedProposal.accepted).where(AcceptedProposal.dataset == dataset)
    with registry.session(read_only=True) as session:
        return sorted(session.scalars(asked))


def decided(accepted: Iterable[str]) -> dict[str, str]:
    """Return heading → term of what was accepted; an empty term says that the column is of none."""
    told = (one.removeprefix(PREFIX).rpartition("=") for one in accepted if one.startswith(PREFIX))
    return {heading: term for heading, _, term in told}


def options(registry: Registry, dataset: str) -> dict[str, str]:
    """Return what was decided of a dataset's headings as the option of its source; none where nothing was."""
    found = decided(accepted_of(registry, dataset))
    return {"headings": json.dumps(found)} if found else {}

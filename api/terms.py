"""Whether somebody may have a restricted download: they accepted the terms of use, and say what for."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from api import auth
from api.dependencies import service
from api.errors import Code, ProblemError, invalid
from biodata.access import terms_of_use
from biodata.access.terms_of_use import Purpose
from biodata.store.query.filters import Filter


def need_accepted(
    request: Request, purpose: Purpose | None, count: Callable[[Filter], int], chosen: Filter | None
) -> None:
    """Refuse a download with restricted records to whoever did not accept the terms of use that hold.

    Parameters
    ----------
    request : Request
        Who asks.
    purpose : Purpose, optional
        What for.
    count : function of a filter to int
        Counts the records of the release that are asked for.
    chosen : Filter, optional
        Which records are asked for.

    Raises
    ------
    ProblemError
        With KEY_MISSING, if what is shown cannot be taken; with TERMS_NOT_ACCEPTED; or if no purpose is told.
    """
    registry = service(request).registry
    held = terms_of_use.current(registry)
    if held is None or not count(terms_of_use.restricted(registry, chosen)):
        return
    _need(request, held)
    if purpose is None:
        raise invalid(field="purpose", value="", expected=f"what for, one of {', '.join(Purpose)}")


def need_accepted_of(request: Request, made: Mapping[str, Any]) -> None:
    """Refuse the file of a download with restricted records to whoever did not accept the terms of use that hold.

    Its id stands in its citation, so whoever asked for it is not the only one who finds it; and terms may have changed.

    Parameters
    ----------
    request : Request
        Who asks.
    made : mapping
        What is told of the download.

    Raises
    ------
    ProblemError
        As `need_accepted`; no purpose is asked for.
    """
    registry = service(request).registry
    held = terms_of_use.current(registry)
    if held is not None and terms_of_use.restricts(registry, made):
        _need(request, held)


def _need(request: Request, held: terms_of_use.Terms) -> None:
    """Refuse whoever did not accept these terms."""
    if not terms_of_use.accepted(service(request).registry, auth.principal(request).account_id):
        raise ProblemError(
            Code.TERMS_NOT_ACCEPTED,
            f"some of these records are under the terms of use, version {held.version}",
            expected="log in, read /v1/rights/terms and accept them there; or leave these records out",
        )

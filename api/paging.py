"""Which part of the rows is asked for: limit and offset, refused in one way everywhere where they are too large."""

from typing import Final

from starlette.datastructures import QueryParams

from api.errors import Code, ProblemError, invalid
from api.readers import integer

WINDOW: Final = 100_000
"""Where paging by offset ends, as at GBIF; a cursor has no end."""


def window(query: QueryParams, *, default: int, most: int, least: int = 0, cut: bool = False) -> tuple[int, int]:
    """Return limit and offset.

    Parameters
    ----------
    query : QueryParams
        The request's parameters.
    default : int
        The limit where none is given.
    most : int
        A limit above it is refused.
    least : int
        A limit below it is refused.
    cut : bool
        A limit above `most` is cut to it instead: OGC API Features asks for that, and GDAL reads nothing else.

    Raises
    ------
    ProblemError
        If one of them is no whole number, too small or too large, or together they lie beyond the window.
    """
    limit, offset = integer("limit", query.get("limit", str(default))), integer("offset", query.get("offset", "0"))
    if limit < least or (limit > most and not cut):
        expected = (
            f"{least} to {most}; the Link header, a cursor or offset goes on" if limit > most else f"{least} or more"
        )
        raise invalid(field="limit", value=str(limit), expected=expected)
    if offset < 0:
        raise invalid(field="offset", value=str(offset), expected="0 or more")
    limit = min(limit, most)
    if offset + limit > WINDOW:
        detail = f"offset {offset} + limit {limit} is more than {WINDOW}"
        expected = "follow the Link header, or the link, with rel=next, which has no end"
        raise ProblemError(Code.WINDOW_EXCEEDED, detail, field="offset", expected=expected)
    return limit, offset

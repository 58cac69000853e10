"""Large JSON from strangers, read item by item: memory stays flat however large a file is, and what is no JSON is told."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

import ijson

from biodata.core.errors import InputError

MOST_ITEM_BYTES: Final = 4 << 20
"""Bytes that one item of an array may take."""
MOST_TEXT_BYTES: Final = 1 << 20
"""Bytes without a quotation mark: the longest text or number."""
MOST_VALUES: Final = 20_000
"""Values beside the array that is read item by item."""
MOST_LEVELS: Final = 100
"""Arrays and objects in each other. What builds items remembers the path of each level: 50,000 of them took 6 GB."""
_BLOCK: Final = 64 << 10


class _Watched:
    """A stream of JSON that ends with an error where a single item or text is too large."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self.stream, self.file = stream, file
        self.since_item = self.since_quote = 0
        self.counts_items = False

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; none where none are asked for, as ijson does to see of what kind they are."""
        if size == 0:
            return b""
        block = self.stream.read(min(size, _BLOCK) if size > 0 else _BLOCK)
        last = block.rfind(b'"')
        self.since_quote = self.since_quote + len(block) if last < 0 else len(block) - last
        self.since_item += len(block)
        if self.since_quote > MOST_TEXT_BYTES or (self.counts_items and self.since_item > MOST_ITEM_BYTES):
            problem = "a single value of this file is too large"
            raise InputError(
                problem, file=self.file, expected=f"items under {MOST_ITEM_BYTES >> 20} MB", code="INPUT_TOO_LARGE"
            )
        return block


def scalars(open_stream: Callable[[], BinaryIO], *, file: str) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the plain values of a JSON object that stand outside of arrays, by their path, and the names at its top.

    Parameters
    ----------
    open_stream : callable
        Opens its bytes anew.
    file : str
        What it is called in errors.

    Returns
    -------
    values : dict
        Path → value; the names of a path are joined by a line break, since a name may hold points.
    names : frozenset of str
        Of the values at its top.

    Raises
    ------
    InputError
        If it is no JSON (JSON_INVALID), no object, has too much outside of arrays or too many levels (INPUT_TOO_LARGE).
    """
    values: dict[str, Any] = {}
    names: set[str] = set()
    path: list[str] = []
    depth = arrays = 0
    with open_stream() as stream:
        for event, value in _events(ijson.basic_parse(_Watched(stream, file), use_float=True), file):
            if depth == 0 and event != "start_map":
                raise _invalid(file, "the top is no object")
            match event:
                case "start_map":
                    depth += 1
                    if not arrays:
                        path.append("")
                case "end_map":
                    depth -= 1
                    if not arrays:
                        path.pop()
                        if not depth:
                            break
                case "start_array":
                    arrays += 1
                case "end_array":
                    arrays -= 1
                case "map_key" if not arrays:
                    path[-1] = value
                    if len(path) == 1:
                        names.add(value)
                case _ if not arrays and event != "map_key":
                    values["\n".join(path)] = value
            if depth + arrays > MOST_LEVELS:
                problem = "lists and objects lie too deep in each other"
                raise InputError(problem, file=file, expected=f"at most {MOST_LEVELS} levels", code="INPUT_TOO_LARGE")
            if len(values) > MOST_VALUES or len(names) > MOST_VALUES:
                problem = "there is too much in it outside of its lists"
                raise InputError(problem, file=file, expected=f"at most {MOST_VALUES:,} values", code="INPUT_TOO_LARGE")
    return values, frozenset(names)


def items(open_stream: Callable[[], BinaryIO], name: str, *, file: str) -> Iterator[Any]:
    """Yield the items of the array of that name at the top of a JSON object, of which `scalars` saw that it is no trap.

    Raises
    ------
    InputError
        If it is no JSON (JSON_INVALID), or an item is too large (INPUT_TOO_LARGE); while it is read.
    """
    with open_stream() as stream:
        watched = _Watched(stream, file)
        watched.counts_items = True
        found = iter(ijson.items(watched, f"{name}.item", use_float=True))
        for item in _events(found, file):
            watched.since_item = 0
            yield item


def _events(found: Iterator[Any], file: str) -> Iterator[Any]:
    """Yield what a parser finds; its errors become ours."""
    while True:
        try:
            one = next(found)
        except StopIteration:
            return
        except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError, OverflowError) as error:
            raise _invalid(file, " ".join(str(error).split())[:120]) from error
        yield one


def _invalid(file: str, why: str) -> InputError:
    """Return the error for what is no JSON."""
    problem = f"this is no JSON that can be read ({why})"
    return InputError(problem, file=file, code="JSON_INVALID")

"""The service's log: one JSON object a line on stderr, without places, values or secrets.

A query string can hold the place that somebody looks at, and the message of an exception the value that broke it. So
of a request its route's template is written, of a fault its kind and where it arose, and of other libraries' messages
what is left when numbers with decimals, quoted text and queries are taken out.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import orjson

_LOGGERS: Final = ("api", "biodata", "uvicorn")
_HIDDEN: Final = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d+\.\d+|\?\S+")
_MESSAGE_LIMIT: Final = 500


def hide(text: str) -> str:
    """Return a message of somebody else's without what could be a place, a value or a query."""
    return _HIDDEN.sub("…", text)[:_MESSAGE_LIMIT]


def error_kinds(error: BaseException) -> list[str]:
    """Return the kinds of an exception and of its causes, and where each arose; not what it says."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(lines) < 200:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(seen.__traceback__)
        ]
        seen = seen.__cause__ or seen.__context__
    return lines


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object, with the `facts` that come with one of ours."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "event": hide(record.getMessage()),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = error_kinds(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


@contextmanager
def written() -> Iterator[None]:
    """Write the log to stderr until the block ends, where nothing else was set up to take it."""
    if logging.getLogger().handlers or any(logging.getLogger(name).handlers for name in _LOGGERS):
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    found = [logging.getLogger(name) for name in _LOGGERS]
    before = [(each.level, each.propagate) for each in found]
    for each in found:
        each.addHandler(handler)
        each.propagate = False
        each.setLevel(logging.WARNING if each.name == "uvicorn" else logging.INFO)
    try:
        yield
    finally:
        for each, (level, propagate) in zip(found, before, strict=True):
            each.removeHandler(handler)
            each.setLevel(level)
            each.propagate = propagate

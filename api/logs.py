"""The service's log: one JSON object a line on stderr, unless whoever runs it has set up logging already."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import orjson
import structlog

_LOGGER: Final = logging.getLogger("api")


def _render(value: Any, **_: Any) -> str:
    """Return a line of JSON."""
    return orjson.dumps(value, default=str).decode()


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that writes JSON through the standard library's logger of that name."""
    processors: list[structlog.types.Processor] = [
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_render),
    ]
    wrapped: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name), processors=processors, wrapper_class=structlog.stdlib.BoundLogger
    )
    return wrapped


@contextmanager
def written() -> Iterator[None]:
    """Write the log to stderr until the block ends, where nothing else was set up to take it."""
    if _LOGGER.handlers or logging.getLogger().handlers:
        yield
        return
    handler, level = logging.StreamHandler(sys.stderr), _LOGGER.level
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)

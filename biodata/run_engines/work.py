"""What an engine is handed and what it hands back."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from types import UnionType
from typing import Any

import polars as pl

from biodata.errors import InputError
from biodata.run_records import RunInput
from biodata.settings import Settings


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine is handed.

    Attributes
    ----------
    settings : Settings
        The installation.
    parameters : mapping
        Plain values.
    seed : int
        Start of every random number.
    executor : concurrent.futures.Executor or None
        Where to work: threads, processes, or what `dask.distributed.Client.get_executor` returns; None for here.
    progress : bool
        Whether to show a progress bar.
    """

    settings: Settings
    parameters: Mapping[str, Any]
    seed: int = 1
    executor: Executor | None = None
    progress: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine hands back.

    Attributes
    ----------
    inputs : tuple of RunInput
        All that it read.
    results : mapping of str to polars.DataFrame
        Its tables; no row tells when it ran or on which version of the lake.
    snapshot : int or None
        The lake's version that it read.
    notes : tuple of str
        What it said.
    paths : tuple of str
        Parameters that only tell where something lies.
    """

    inputs: tuple[RunInput, ...]
    results: Mapping[str, pl.DataFrame]
    snapshot: int | None = None
    notes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


def parameter(work: Work, name: str, kind: type | UnionType, default: Any = ...) -> Any:
    """Return a parameter of the kind that it must have.

    Raises
    ------
    InputError
        If it is missing or of another kind (PARAMETERS_INVALID).
    """
    value = work.parameters.get(name, default)
    if value is ... or not (isinstance(value, kind) or value is default):
        problem = "the parameter is missing" if value is ... else "the parameter is of another kind"
        told = None if value is ... else str(value)
        raise InputError(
            problem, column=name, value=told, expected=getattr(kind, "__name__", str(kind)), code="PARAMETERS_INVALID"
        )
    return value

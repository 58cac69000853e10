"""Whether a text names one taxon, surely: several names joined into one cell, and a name with a question mark."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

import polars as pl

_JOINED: Final = re.compile(
    r"[A-Z][a-z]{2,} [a-z-]{3,}(?=[\s/;,&+])[^×]{0,200}?"
    r"(?:\s*[/;,&+]\s*|\s(?:or|and|atau|dan|hoặc|và|at|o|หรือ|และ|或|和|ຫຼື|ແລະ)\s)"
    r"(?P<genus>[A-Z][a-z]{2,}) [a-z-]{4,}(?![A-Za-z.])"
)
_BESIDE: Final = re.compile(
    r"[^()（）]*[^\W\d][^()（）]*?(?:\s+[-–—/|]\s+|\s*[(（])(?P<name>(?P<genus>[A-Z][a-z]{2,})(?: [a-z][a-z.-]+){1,3})\s*[)）]?"
)
_DOUBTED: Final = re.compile(r"(?P<name>\S.*[a-z).])\s?(?:\?+|\(\?+\))\s*")


def names_several(told: str) -> bool:
    """Tell whether a text names two taxa in full (`Bos gaurus or Bos javanicus`); authors are none."""
    found = _JOINED.match(told)
    return found is not None and found["genus"] in genera()


def latin_beside(told: str) -> str | None:
    """Return the Latin name behind a common one: `Gaur - Bos gaurus`, `Gaur (Bos gaurus)`; None where there is none."""
    found = _BESIDE.fullmatch(told.strip())
    if found is None or found["genus"] not in genera() or told.split(maxsplit=1)[0] in genera():
        return None
    return found["name"]


def without_doubt(told: str) -> tuple[str, bool]:
    """Return a text without the question mark behind it, and whether there was one."""
    found = _DOUBTED.fullmatch(told)
    return (told, False) if found is None else (found["name"], True)


@cache
def genera() -> frozenset[str]:
    """Return the genera that are known."""
    data = (files("biodata") / "data" / "genera.parquet").read_bytes()
    return frozenset(pl.read_parquet(data, columns=["name"])["name"])

"""Names of months in English, the region's languages, and those of old labels.

Names are those of Unicode's CLDR as babel brings them, and `biodata/data/month_names.csv` for what CLDR lacks: Tetum,
Vietnamese month words, old Indonesian spellings (Pebruari, Nopember), Latin genitives, Thai without -คม.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from babel import Locale

from biodata.parsers.bundled import read_rows

# The languages of the scope, and those of the collections that hold its old specimens.
LANGUAGES: Final = (
    "en",
    "zh",
    "th",
    "vi",
    "my",
    "lo",
    "km",
    "id",
    "ms",
    "fil",
    "ta",
    "pt",
    "fr",
    "de",
    "nl",
    "es",
    "it",
)

ROMAN: Final = MappingProxyType(
    {numeral: n for n, numeral in enumerate("i ii iii iv v vi vii viii ix x xi xii".split(), start=1)}
)


def month_number(name: str, *, roman: bool = False) -> int | None:
    """Return the number of a month, 1-12, by its name or short form in a language of `LANGUAGES`.

    Parameters
    ----------
    name : str
        Any letter case; full stops are left out.
    roman : bool
        Take a Roman numeral too: right between a day and a year, the custom of entomological labels.

    Returns
    -------
    int, or None where the name is not known or is another month in another language
    """
    key = month_key(name)
    return month_names().get(key) or (ROMAN.get(key) if roman else None)


def month_key(name: str) -> str:
    """Return the form in which names are compared."""
    return unicodedata.normalize("NFKC", name).strip().replace(".", "").casefold()


@cache
def month_names() -> Mapping[str, int]:
    """Return every name with its month; a name that means two months, or holds a number, is left out."""
    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    found.setdefault(month_key(name), set()).add(number)
    for row in read_rows("month_names.csv"):
        for name in row["names"].split("|"):
            found.setdefault(month_key(name), set()).add(int(row["value"]))
    for name, numbers in list(found.items()):
        if (plain := _without_accents(name)) != name:
            found.setdefault(plain, set()).update(numbers)
    return MappingProxyType(
        {
            name: min(numbers)
            for name, numbers in found.items()
            if len(numbers) == 1 and not any(map(str.isdigit, name)) and not name.endswith("月")
        }
    )


def _without_accents(name: str) -> str:
    """Return a name in Latin letters as old typewriters wrote it (fevrier, marco); other scripts stay."""
    parts = unicodedata.normalize("NFD", name)
    if not name or not unicodedata.name(parts[0]).startswith("LATIN"):
        return name
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def day_names() -> frozenset[str]:
    """Return the names of the days of the week, and the English short forms."""
    names = {month_key(n) for lang in LANGUAGES for n in Locale.parse(lang).days["format"]["wide"].values()}
    short = Locale.parse("en").days["format"]["abbreviated"].values()
    return frozenset(names | {month_key(name) for name in short}) - month_names().keys()

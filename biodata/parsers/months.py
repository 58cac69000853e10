"""Names of months in English and the region's languages."""

from functools import cache
from types import MappingProxyType
from typing import Final

from babel import Locale

# The languages of the scope, and those of the collections that hold its old specimens.
LANGUAGES: Final = (
    *("en", "zh", "th", "vi", "my", "lo", "km", "id", "ms", "fil", "ta", "pt", "fr", "de", "nl", "es"),
    *("it", "da", "sv", "nb", "fi", "hu", "ru"),
)


_ROMAN: Final = MappingProxyType(
    {numeral: n for n, numeral in enumerate("i ii iii iv v vi vii viii ix x xi xii".split(), start=1)}
)


def month_number(name: str, *, roman: bool = False) -> int | None:
    """Return the number of a month, 1-12, by its name or short form in a language of `LANGUAGES`.

    Parameters
    ----------
    name : str
        Any letter case; a full stop behind it is left out.
    roman : bool
        Take a Roman numeral too: right between a day and a year, the custom of entomological labels.

    Returns
    -------
    int, or None where the name is not known or is another month in another language

    Notes
    -----
    Names are those of Unicode's CLDR, as babel brings them.
    """
    key = _key(name)
    return _index().get(key) or (_ROMAN.get(key) if roman else None)


def _key(name: str) -> str:
    """Return the form in which names are compared."""
    return name.strip().rstrip(".").casefold()


@cache
def _index() -> dict[str, int]:
    """Return every name with its month; a name that means two months is left out."""
    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    if not name[:1].isdigit():
                        found.setdefault(_key(name), set()).add(number)
    found.setdefault("sept", set()).add(9)
    return {name: min(numbers) for name, numbers in found.items() if len(numbers) == 1}

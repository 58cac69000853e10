"""Names of the plainest forms, read by columns: `Genus epithet`, a second epithet, authors and a year."""

from typing import Final

import polars as pl

from biodata.parsers.name_text import WORDS

# Words of four letters or more that mean something else than an epithet, and all that smells of a virus. They begin
# and end where a letter of English does, as they do where names are read one by one: after a Þ, too.
_NOT_PLAIN: Final = (
    r"(?i)(?-u:\b)(?:not|none|un[a-z]*|candidatus|incertae|missing|dummy|empty|hybrid|apud|cultivar|dela|della|emend|sensu|ined"
    r"|hort|nudum|infragen|spec|species|group|complex|clade|authors?|strain|isolate|clone|auctt?|near|fide|vide|mihi"
    r"|pathovar|form|forma|variety|race|natio|morph|monst|type|like|cross|cell|culture|environmental|uncultured|sedis"
    r"|sub[a-z]{0,5}|super[a-z]{0,4}|notho[a-z]*|agamo[a-z]*|(?:gen|sect|trib|ser|fam|div|spec|class|order|var|form?|phylum)(?:us|ies|um|o|ily|ion|e)?"
    r"|(?:sero|bio|con|pseudo|agamo)(?:var|type)|anon|anonymous"
    r"|[a-z]*(?:virus|viruses|viroids?|phages?|vectors?|particles?|prions?|satellites?|viriform|npv|symbionts?"
    r"|phytoplasma|plasmids?|bacterium|bacteria))(?:(?-u:\b)|[0-9])"
)
_ANY_WORD: Final = rf"(?i)(?-u:\b)(?:{'|'.join(sorted(WORDS))})(?:(?-u:\b)|[0-9])"
_SURNAME: Final = "[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{2,}"
_AUTHOR: Final = rf"(?:[A-Z]\. ?){{0,3}}{_SURNAME}(?:-{_SURNAME})?"
ZOOLOGY: Final = 1758
"""The zoological code starts with this year; by rule only its names are cited with a year."""

_YEAR: Final = "1[789][0-9]{2}|20[012][0-9]"
_FORM: Final = (
    r"^(?P<genus>[A-Z][a-z]{2,}[0-9]*) (?P<epithet>[a-z]{4,}[0-9]?[a-z]*)(?: (?P<below>[a-z]{4,}))?"
    rf"(?: (?P<open>\()?(?P<team>L\.|(?:(?:{_AUTHOR}, )*{_AUTHOR} & )?{_AUTHOR}), (?P<year>{_YEAR})(?P<close>\))?)?$"
)


def plain_names(values: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Read the names of a plain form.

    Parameters
    ----------
    values : polars.Series of str
        Distinct names.

    Returns
    -------
    frame, series
        The names that were read, with the columns of `scientific_names.SCHEMA` without those that are null for all of
        them; and the values that are to be read one by one.

    Notes
    -----
    Equal, word for word, to what is read one by one: a test draws names of this form and compares.
    """
    told = values.alias("value").to_frame()
    parts = told.with_columns(found=pl.col("value").str.extract_groups(_FORM)).unnest("found")
    whole = pl.col("open").is_null() == pl.col("close").is_null()
    plain = (pl.col("genus").is_not_null() & whole).fill_null(value=False) & ~pl.any_horizontal(
        pl.col("value").str.contains(words) for words in (_NOT_PLAIN, _ANY_WORD)
    )
    parts = parts.with_columns(plain=plain)
    before, after = pl.col("open").fill_null(""), pl.col("close").fill_null("")
    apart, together = (pl.col("team").str.replace_all(r"\. ?([A-ZÀ-Þ])", f".{gap}${{1}}") for gap in (" ", ""))
    canonical = pl.concat_str("genus", "epithet", "below", separator=" ", ignore_nulls=True)
    subspecies = pl.col("year").cast(pl.Int32) >= ZOOLOGY
    below = pl.when(subspecies).then(pl.lit("SUBSPECIES")).otherwise(pl.lit("INFRASPECIFIC_NAME"))
    found = parts.filter("plain").select(
        "value",
        canonical=canonical,
        canonical_full=canonical,
        genus="genus",
        specific_epithet="epithet",
        infraspecific_epithet="below",
        authorship=pl.concat_str(before, apart, pl.lit(" "), "year", after),
        cited_authorship=pl.concat_str(before, together, pl.lit(", "), "year", after),
        rank=pl.when(pl.col("below").is_null()).then(pl.lit("SPECIES")).otherwise(below),
    )
    return found, parts.filter(~pl.col("plain"))["value"]

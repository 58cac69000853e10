"""Scientific names taken apart: gbif-name-parser, with rules before and after it.

The field's two parsers disagree: GBIF's name parser (https://github.com/gbif/name-parser) and gnparser
(https://github.com/gnames/gnparser). Our convention:

- **canonical_full** and **authorship** have gnparser's form: ranks and hybrid signs stay (`Poa annua f. varia`,
  `Salix × capreola`), letters are those that the codes allow (ICN Art. 60), authorships as in
  `biodata.text.name_text`. They can be compared as text.
- **canonical** is the name alone, for matching: no rank, no sign, the last epithet below species only.
- **aff., nr., sp., spp.** and whatever follows them name no taxon: the name ends before them. **cf.** compares with a
  taxon that is named: it stays, the name is undetermined.
- A **hybrid formula** names its parents, each in full, and has no genus or epithet of its own.
- A **question mark** behind a name doubts it: the name is undetermined.
- **Refused** are two taxa in one text, viruses and phages in words (a binomial of ICVCN is a name), plasmids, symbionts of hosts, barcode
  numbers, placeholders, graft-chimeras, and texts that do not start with a capital: a checklist may still know them.
- Ranks and the kind of a name are GBIF's. Where its words for genus and epithets are others than ours,
  NAME_PARSERS_DISAGREE says so and the confidence is lower.
"""

import re
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import nameparser
import polars as pl

from biodata.text.name_grammar import Name, read
from biodata.text.name_text import VIRUS_BINOMIAL, WORDS, Issue, NameText, cited_form, ready
from biodata.text.tables import over_distinct

# Whether a text names one taxon, surely: several names joined into one cell, and a name with a question mark.

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


# Names of the plainest forms, read by columns: `Genus epithet`, a second epithet, authors and a year.

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


SCHEMA: Final[pl.Schema] = pl.Schema(
    {
        "value": pl.String,
        "canonical": pl.String,
        "canonical_full": pl.String,
        "uninomial": pl.String,
        "genus": pl.String,
        "specific_epithet": pl.String,
        "infraspecific_epithet": pl.String,
        "authorship": pl.String,
        "cited_authorship": pl.String,
        "rank": pl.String,
        "confidence": pl.Float64,
    }
    | {"issues": pl.List(pl.String)}
)

LONGEST: Final = 500
"""No name needs more characters, and no parser should be kept busy by a page of text."""

_DOUBTFUL: Final = {
    Issue.PARTLY_READ: 0.9,
    Issue.UNDETERMINED: 0.8,
    Issue.HYBRID_FORMULA: 0.8,
    Issue.LOOKALIKES: 0.5,
    Issue.PARSERS_DISAGREE: 0.6,
}
_GRAFT: Final = re.compile(r"(?:^|\s)\+(?:\s|$)")
_NO_NAMES: Final = frozenset({"IDENTIFIER", "PLACEHOLDER"})
_RANKS: Final = {"subsp.": "SUBSPECIES", "var.": "VARIETY", "f.": "FORM", "": "INFRASPECIFIC_NAME"}


def parse_names(values: pl.Series) -> pl.DataFrame:
    """Take a column of scientific names apart.

    Parameters
    ----------
    values : polars.Series of str, length n
        Names with or without authorship; a common name in one of the region's scripts beside it is left out.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `canonical`, the name without authorship and rank markers, in ASCII; `canonical_full`, with
        rank markers, hybrid signs and cultivar; `uninomial` of a name above species; `genus`, `specific_epithet`,
        `infraspecific_epithet`; `authorship` for comparison; `cited_authorship` as it is cited (C.H.Smith, 1827); `rank` in GBIF's
        spelling; `issues`, names of `name_text.Issue`; `confidence`, 0 to 1. Null where there is no such part, or where
        the text is no scientific name.

    Notes
    -----
    Names of a plain form (`plain_names`) are read by columns; the others one by one, remembered when they come again.
    """
    return over_distinct(values, _parse)


def _parse(distinct: pl.Series) -> pl.DataFrame:
    """Take each distinct name apart."""
    plain, others = plain_names(distinct)
    rows = [(text, *_parts(text)) for text in others.to_list()]
    read_one_by_one = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    if plain.is_empty():
        return read_one_by_one
    columns = [plain[name] if name in plain.columns else pl.lit(None, dtype) for name, dtype in SCHEMA.items()]
    made = plain.select(
        column.alias(name) if isinstance(column, pl.Expr) else pl.col(name)
        for (name, _), column in zip(SCHEMA.items(), columns, strict=True)
    ).with_columns(issues=pl.lit([], dtype=pl.List(pl.String)), confidence=pl.lit(1.0))
    return pl.concat([made, read_one_by_one])


def _refused(text: NameText | None = None) -> tuple[object, ...]:
    """Return the answer for what is no name."""
    issues = text.issues if text else ()
    told = [issue.value for issue in issues if issue is not Issue.REFUSED]
    return (*(None,) * 9, 0.0, [*told, Issue.REFUSED.value])


@lru_cache(maxsize=1 << 17)
def _parts(told: str) -> tuple[object, ...]:
    """Return the answers for one name; batches of a file repeat their names."""
    if len(told) > LONGEST:
        return _refused()
    name, is_doubted = without_doubt(told)
    text = ready(name)
    if not text.text or names_several(text.text):
        return _refused(text)
    if is_doubted:
        text = replace(text, issues=(*text.issues, Issue.UNDETERMINED))
    second, kind = _second_opinion(text.text)
    virus = VIRUS_BINOMIAL.match(text.text)
    if virus:
        genus, epithet = virus.groups()
        name = f"{genus} {epithet}"
        return name, name, None, genus, epithet, None, None, None, "SPECIES", 1.0, []
    names = read(text.text, is_author=lambda word: _is_author(word, second))
    if names is None or _GRAFT.search(told) or (kind in _NO_NAMES and not names[0].undecided):
        return _refused(text)
    return _answer(text, names, second)


def _second_opinion(text: str) -> tuple["nameparser.ParsedName | nameparser.Informal | None", str | None]:
    """Return what gbif-name-parser reads, and the kind of what it refuses."""
    try:
        return nameparser.parse(text), None
    except nameparser.UnparsableNameError as error:
        return None, error.name_type


def _is_author(word: str, second: "nameparser.ParsedName | nameparser.Informal | None") -> bool:
    """Tell whether gbif-name-parser takes a word in brackets for an author."""
    return isinstance(second, nameparser.ParsedName) and word in second.basionym_authorship.authors


def _answer(
    text: NameText, names: list[Name], second: "nameparser.ParsedName | nameparser.Informal | None"
) -> tuple[object, ...]:
    """Put the answers for one text together."""
    issues = list(text.issues)
    first = names[0]
    if any(name.undecided for name in names) and Issue.UNDETERMINED not in issues:
        issues.append(Issue.UNDETERMINED)
    if names[-1].end < len(text.text) and Issue.PARTLY_READ not in issues:
        issues.append(Issue.PARTLY_READ)
    if len(names) > 1:
        issues.append(Issue.HYBRID_FORMULA)
        formula = " × ".join(name.canonical() for name in names)
        return None, formula, None, None, None, None, None, None, None, *_confidence(issues)
    epithets = [] if first.above_species else [word.text for word in first.words]
    uninomial = first.words[0].text if first.above_species else None if epithets else first.genus.text
    genus = first.genus.text if epithets or first.above_species else None
    species, below = epithets[0] if epithets else None, epithets[-1] if len(epithets) > 1 else None
    canonical = uninomial or " ".join(filter(None, (genus, species, below)))
    agree = second is not None and _agrees(canonical, second)
    if not agree and not first.undecided and not first.cultivar:
        issues.append(Issue.PARSERS_DISAGREE)
    parsed = second if isinstance(second, nameparser.ParsedName) else None
    rank = _rank(first, parsed if agree else None)
    cited = cited_form(first.authorship)
    return (
        canonical, first.canonical(), uninomial, genus, species, below,
        first.authorship or None, cited or None, rank, *_confidence(issues),
    )  # fmt: skip


def _confidence(issues: list[Issue]) -> tuple[float, list[str]]:
    """Return the confidence that the issues leave, and their names."""
    return min([1.0, *(_DOUBTFUL.get(issue, 1.0) for issue in issues)]), [issue.value for issue in issues]


def _agrees(canonical: str, second: "nameparser.ParsedName | nameparser.Informal") -> bool:
    """Tell whether both parsers read the same words; how they spell ö or 5-punctatus does not matter."""
    if isinstance(second, nameparser.Informal):
        return second.taxon == canonical
    words, others = canonical.lower().split(), (second.canonical_name_minimal() or "").lower().split()
    return len(words) == len(others) and all(a[-3:] == b[-3:] for a, b in zip(words, others, strict=True))


def _rank(name: Name, second: "nameparser.ParsedName | None") -> str | None:
    """Return the rank: GBIF's where it reads the same words, else that of the rank marker.

    A third word without a marker is a subspecies where a year shows that the zoological code is followed.
    """
    if not name.words:
        return "GENUS" if name.undecided else None
    if not name.above_species and len(name.words) == 1:
        return "SPECIES"
    marker = name.words[-1].rank
    if not name.above_species and not marker:
        year = re.search(r"(?<=\s|\()[12]\d{3}", name.authorship)
        return "SUBSPECIES" if year and int(year.group()) >= ZOOLOGY else _RANKS[""]
    if second is not None and second.rank != "UNRANKED":
        return second.rank
    return _RANKS.get(marker)

"""Scientific names taken apart: gbif-name-parser, with rules before and after it.

The field's two parsers disagree: GBIF's name parser (https://github.com/gbif/name-parser) and gnparser
(https://github.com/gnames/gnparser). Our convention:

- **canonical_full** and **authorship** have gnparser's form: ranks and hybrid signs stay (`Poa annua f. varia`,
  `Salix × capreola`), letters are those that the codes allow (ICN Art. 60), authorships as in
  `biodata.parsers.name_authors`. They can be compared as text.
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
from functools import lru_cache
from typing import Final

import nameparser
import polars as pl

from biodata.parsers.distinct import over_distinct
from biodata.parsers.name_authors import cited_form
from biodata.parsers.name_grammar import Name, read
from biodata.parsers.name_text import VIRUS_BINOMIAL, Issue, NameText, ready
from biodata.parsers.one_taxon import names_several, without_doubt
from biodata.parsers.plain_names import ZOOLOGY, plain_names

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
        return None, formula, None, None, None, None, None, None, None, *_told(issues)
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
        first.authorship or None, cited or None, rank, *_told(issues),
    )  # fmt: skip


def _told(issues: list[Issue]) -> tuple[float, list[str]]:
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

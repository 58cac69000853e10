"""Who recorded something: names of people in one form, to tell whether two records share a person."""

from typing import Final

import polars as pl

_NOBODY: Final = frozenset(
    "anon,anonymous,collector unknown,crew,danh khuyet,field team,group,members,na,nobody,none,not recorded,observer,"
    "observers,party,ranger,rangers,staff,students,survey team,team,unknown,various,volunteers,佚名,不详,未知".split(
        ","
    )
)
_BETWEEN: Final = r"[;|&/+、，；]|\s+(?:and|with|et|und|dan|y|at|và|va|和|与|與|及|และ|ແລະ|និង|နှင့်)\s+|[与與和及]|,"
_PEOPLE: Final = pl.Schema([("recordedBy", pl.String), ("people", pl.List(pl.UInt64)), ("words", pl.List(pl.UInt64))])


def people(recorded_by: pl.Series) -> pl.DataFrame:
    """Take texts of recorders apart.

    Parameters
    ----------
    recorded_by : Series of str
        Distinct texts, as `recordedBy` holds them.

    Returns
    -------
    polars.DataFrame
        recordedBy; people : hashes of whole names, without case, accents, signs and single letters (not digits: Team 3), their words in
        alphabetical order; words : hashes of all its words of two letters or more, and numbers. Texts that name nobody are
        left out.

    Notes
    -----
    A comma parts people and, in `Smith, J.`, a name: what is then left of initials is dropped, so both give `smith`.
    Whole names that are equal are evidence for one person; that no word is shared is evidence for two. What lies between
    (`J. Smith` beside `John Smith`) is neither.
    """
    texts = pl.DataFrame({"recordedBy": recorded_by.drop_nulls().unique()}).with_row_index("text")
    plain = pl.col("recordedBy").str.to_lowercase().str.replace_all("đ", "d")
    names = (
        texts.with_columns(part=plain.str.replace_all(_BETWEEN, "\x1f").str.split("\x1f"))
        .explode("part")
        .with_columns(
            # The letters with marks of Latin script lose them; the marks of other scripts are their vowels.
            part=pl.when(pl.col("part").str.contains(r"\p{Latin}"))
            .then(pl.col("part").str.normalize("NFKD").str.replace_all(r"\p{Mn}", ""))
            .otherwise("part")
        )
        .with_columns(word=pl.col("part").str.extract_all(r"[\p{L}\p{M}\p{N}]+"))
        .with_row_index("name")
        .explode("word")
        .filter((pl.col("word").str.len_chars() >= 2) | pl.col("word").str.contains(r"\p{N}"))
    )
    if names.is_empty():
        return pl.DataFrame(schema=_PEOPLE)
    whole = names.sort("name", "word").group_by("text", "name").agg(pl.col("word").str.join(" "))
    telling = pl.col("word").str.contains(r"\p{Latin}\p{Latin}\s?\p{Latin}|[^\p{Latin}\s]{2}|\p{Latin}.*\p{N}")
    whole = whole.filter(telling, ~pl.col("word").is_in(_NOBODY))
    told = whole.group_by("text").agg(people=pl.col("word").hash(1).unique().sort())
    words = names.group_by("text").agg(words=pl.col("word").hash(2).unique().sort())
    return (
        texts.join(told, on="text")
        .join(words, on="text")
        .select(pl.col(name).cast(dtype) for name, dtype in _PEOPLE.items())
    )

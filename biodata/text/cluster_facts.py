"""What clusters are made by: a record's time, place, people and identifiers as numbers that are quick to compare."""

import re
from typing import Final

import polars as pl

# Who recorded something: names of people in one form, to say whether two records share a person.

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
    table = whole.group_by("text").agg(people=pl.col("word").hash(1).unique().sort())
    words = names.group_by("text").agg(words=pl.col("word").hash(2).unique().sort())
    return (
        texts.join(table, on="text")
        .join(words, on="text")
        .select(pl.col(name).cast(dtype) for name, dtype in _PEOPLE.items())
    )


COLUMNS: Final = (
    "key", "datasetKey", "occurrenceID", "gbifID", "basisOfRecord", "occurrenceStatus", "individualCount", "sex",
    "lifeStage", "genus", "species", "eventDate", "event_start", "event_end", "event_precision", "event_time",
    "event_zone", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "elevation", "countryCode",
    "locality", "habitat", "recordedBy", "identifiedBy", "institutionCode", "collectionCode", "catalogNumber",
    "recordNumber", "otherCatalogNumbers", "organismID", "eventID", "samplingProtocol", "occurrenceRemarks", "license",
    "mediaType",
)  # fmt: skip
"""What `facts` reads of `terms.OCCURRENCE`; all of them are published with an open record."""

GIBBONS: Final = ("Hoolock", "Hylobates", "Nomascus", "Symphalangus")
"""Genera whose songs are the usual way to record them, and carry for kilometres."""

FILLED: Final = (
    "event_time", "event_zone", "individualCount", "sex", "lifeStage", "decimalLatitude",
    "coordinateUncertaintyInMeters", "elevation", "locality", "habitat", "recordedBy", "identifiedBy",
    "institutionCode", "catalogNumber", "recordNumber", "eventID", "samplingProtocol", "occurrenceRemarks",
    "license", "mediaType",
)  # fmt: skip
"""What makes a record complete: the one that has the most of these represents its cluster."""

CONTENT: Final = "content:"
"""How the identifiers begin that the harmonising makes of a row's content; #2 and so on end those of equal rows."""
_SOUND: Final = re.compile(
    r"(?i)\b(?:duet|song|sing|call|heard|hear|listen|acoustic|vocal|sound|audio)|[鸣鳴叫听聽声聲]"
    r"|\bhót\b|\bhú\b|tiếng|\bnghe\b|เสียง|ร้อง|ສຽງ|ຮ້ອງ|សំឡេង|យំ|အသံ"
)
_GLOBAL: Final = r"(?i)^(?:https?|urn|doi|ark|hdl|lsid)[:/]|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
SIGNS: Final = list("-.,_ :|/\\#%&*")
"""What two forms of one identifier may differ in."""
_SEED: Final = 15
SPLIT: Final = r"\s*[|;]\s*"
LEAST_SIGNS: Final = 5
"""A number of fewer letters and digits names no record by itself."""
_ROUNDING_M: Final = 111_320.0
_MOST_DECIMALS: Final = 5


def facts(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Turn records into what the keys of clusters are made of.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `COLUMNS`; `utc_start`, `utc_end` (instants in UTC, null where the time of day or the zone is not known) and
        `zone_told` (False where the zone is only proposed). `source_record_id` may be there; it is needed of the rows
        of files without identifiers.

    Returns
    -------
    polars.DataFrame of n rows
        Texts that are only compared are 64-bit hashes; each row follows from its record alone.
    """
    plain = occurrences.select(
        "key", *_what(), *_when(), *_where(), *_to_keep("source_record_id" in occurrences.columns)
    )
    bare = _without_signs(occurrences)
    is_global = occurrences["occurrenceID"].str.contains(_GLOBAL).fill_null(value=False).alias("id_global")
    frame = plain.hstack(_identifiers(bare)).with_columns(is_global)
    frame = frame.hstack(_named(bare, occurrences["otherCatalogNumbers"]))
    table = people(occurrences["recordedBy"])
    named = occurrences.select("recordedBy").join(table, on="recordedBy", how="left", maintain_order="left")
    heard = _mentions_sound(occurrences) | (
        occurrences["genus"].is_in(GIBBONS)
        & (occurrences["basisOfRecord"] != "MACHINE_OBSERVATION").fill_null(value=True)
    ).fill_null(value=False)
    return frame.with_columns(named["people"], named["words"], heard=heard)


def _hash(name: str, seed: int = 0) -> pl.Expr:
    """Return the hash of a column's text; null where nothing is stated."""
    return _hashed(pl.col(name).cast(pl.String), seed)


def _hashed(text: pl.Expr, seed: int) -> pl.Expr:
    """Return the hash of a text; null where it is null or empty."""
    return pl.when(text != "").then(text.hash(seed))


def _what() -> list[pl.Expr]:
    """Return the species and what tells individuals apart."""
    return [
        _hash("datasetKey").alias("dataset"),
        _hash("species").alias("species"),
        (pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT").alias("present"),
        (pl.col("basisOfRecord") == "MACHINE_OBSERVATION").fill_null(value=False).alias("machine"),
        pl.col("individualCount").alias("count"),
        *(_hash(name).alias(name) for name in ("sex", "lifeStage", "organismID", "recordNumber", "catalogNumber")),
    ]


def _when() -> list[pl.Expr]:
    """Return the local day, the local clock and the instants in UTC, in seconds."""
    one_day = pl.col("event_start") == pl.col("event_end")
    # Many a program writes 00:00:00 behind a date without a time.
    time = pl.when(pl.col("event_time") != "00:00:00").then("event_time")
    timed = time.is_not_null()
    parts = [time.str.slice(at, 2).cast(pl.Int32, strict=False) for at in (0, 3, 6)]
    return [
        pl.when(one_day).then(pl.col("event_start")).cast(pl.Int32).alias("day"),
        pl.col("event_start").cast(pl.Int32).alias("first_day"),
        pl.col("event_end").cast(pl.Int32).alias("last_day"),
        (parts[0] * 3600 + parts[1] * 60 + parts[2].fill_null(0)).alias("clock"),
        *(
            pl.when(timed).then(pl.col(name).dt.epoch("s")).alias(short)
            for name, short in (("utc_start", "t0"), ("utc_end", "t1"))
        ),
        (pl.col("zone_told").fill_null(value=False) & timed).alias("sure"),
        _hash("countryCode").alias("country"),
        # Times stated in UTC do not state where their team was.
        pl.when(pl.col("event_zone") != "+00:00").then(_hash("event_zone")).alias("zone"),
    ]


def _where() -> list[pl.Expr]:
    """Return the place, its uncertainty, and how far rounding may have moved it."""
    x, y, radius = (pl.col(name) for name in ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters"))
    placed = x.is_finite() & y.is_finite() & ((x != 0) | (y != 0))
    decimals = pl.coalesce(
        *(
            pl.when(
                ((x * 10**n - (x * 10**n).round()).abs() < 1e-4) & ((y * 10**n - (y * 10**n).round()).abs() < 1e-4)
            ).then(n)
            for n in range(_MOST_DECIMALS)
        ),
        _MOST_DECIMALS,
    )
    return [
        pl.when(placed).then(x).alias("x"),
        pl.when(placed).then(y).alias("y"),
        pl.when(radius > 0).then(radius).alias("radius"),
        # Copies with rounded coordinates are in the same cell of a hundredth of a degree.
        pl.when(placed)
        .then(pl.struct((x * 100).round().cast(pl.Int32), (y * 100).round().cast(pl.Int32).alias("y")).hash(6))
        .alias("cell"),
        # Half the diagonal of the cell that rounds to the same coordinates.
        (_ROUNDING_M * 0.7072 / pl.lit(10.0).pow(decimals)).alias("rounding"),
    ]


def _without_signs(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return identifiers without case and signs, as GBIF compares them."""
    return occurrences.select(
        pl.col(name).cast(pl.String).str.to_lowercase().str.replace_many(SIGNS, [""])
        for name in ("occurrenceID", "gbifID", "institutionCode", "catalogNumber", "collectionCode")
    ).with_columns(both=pl.col("institutionCode") + pl.col("catalogNumber"))


def _identifiers(plain: pl.DataFrame) -> pl.DataFrame:
    """Return what identifies records, as numbers."""
    return plain.select(
        _hashed(pl.col("occurrenceID"), _SEED).alias("id_occurrence"),
        _hashed(pl.col("gbifID"), _SEED).alias("id_gbif"),
        pl.when((pl.col("catalogNumber") != "") & (pl.col("institutionCode") != ""))
        .then(pl.col("both").hash(_SEED))
        .alias("id_catalogued"),
        _hashed(pl.col("collectionCode"), _SEED).alias("collection"),
    )


NAMED: Final = ("named_occurrence", "named_both", "named_whole", "named_catalogue")
"""What the otherCatalogNumbers of another record may name one by."""


def _named(plain: pl.DataFrame, other: pl.Series) -> pl.DataFrame:
    """Return `NAMED`, and `names`: what the otherCatalogNumbers name."""
    whole = pl.col("institutionCode") + pl.col("collectionCode") + pl.col("catalogNumber")
    parts = (pl.col("occurrenceID"), pl.col("both"), whole, pl.col("catalogNumber"))
    own = [
        pl.when(part.str.len_bytes() >= LEAST_SIGNS).then(part.hash(_SEED)).alias(name)
        for name, part in zip(NAMED, parts, strict=True)
    ]
    values = other.drop_nulls().unique()
    names = values.to_frame("other").with_columns(
        names=values.str.to_lowercase()
        .str.replace_all(SPLIT, "\x1f")
        .str.replace_many(SIGNS, [""])
        .str.split("\x1f")
        .list.eval(pl.element().filter(pl.element().str.len_chars() >= LEAST_SIGNS).hash(_SEED))
    )
    return plain.select(own).with_columns(
        other.to_frame("other").join(names, on="other", how="left", maintain_order="left")["names"]
    )


PLAIN_NUMBERS: Final = ("plain_gbif", "plain_occurrence", "plain_catalogued")
"""The columns of `plain_numbers`."""


def plain_numbers(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return 32-bit hashes of records' identifiers without case and signs: of equal ones they are equal.

    By them the few records are found in a release that may share one with some; the identifiers themselves then decide.
    """
    found = _identifiers(_without_signs(occurrences)).select("id_gbif", "id_occurrence", "id_catalogued")
    return found.select(
        (pl.col(name) & 0xFFFFFFFF).cast(pl.Int64).alias(alias)
        for name, alias in zip(found.columns, PLAIN_NUMBERS, strict=True)
    )


def _to_keep(identified: bool) -> list[pl.Expr]:
    """Return what decides which record represents its cluster."""
    record = ["occurrenceID", "gbifID", *(["source_record_id"] if identified else [])]
    return [
        pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.UInt8) for name in FILLED).alias("filled"),
        pl.col("gbifID").is_not_null().alias("aggregated"),
        pl.col("datasetKey"),
        pl.coalesce(record).alias("record"),
        _row(identified).alias("row_told"),
    ]


def _row(identified: bool) -> pl.Expr:
    """Return what rows without identifiers share that are equal in every cell; null for other records."""
    if not identified:
        return pl.lit(None, dtype=pl.UInt64)
    name = pl.col("source_record_id")
    return pl.when(name.str.starts_with(CONTENT)).then(name.str.split("#").list.first().hash(_SEED))


def _mentions_sound(occurrences: pl.DataFrame) -> pl.Series:
    """Tell which records say that something was heard: in protocol, remarks or kind of media."""
    heard = pl.repeat(value=False, n=occurrences.height, eager=True)
    for name in ("samplingProtocol", "occurrenceRemarks", "mediaType"):
        texts = occurrences[name].drop_nulls().unique()
        sounding = texts.filter(texts.str.contains(_SOUND.pattern))
        heard |= occurrences[name].is_in(sounding.implode()).fill_null(value=False)
    return heard

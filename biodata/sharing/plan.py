"""What goes out of the sensitive records of some datasets, by which marks their own numbers are replaced; and the gate.

The gate holds what a finished release tells against the records, a second way, before it is let out.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import polars as pl

from biodata.core.terms import OCCURRENCE, PUBLISHED_OCCURRENCE, Reach
from biodata.core.vocabularies import RED_LIST, SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.generalise import wide_enough
from biodata.sharing.grid import PARTS, PLACES, TENTHS, fine, strictness, visits
from biodata.sharing.received import is_as_its_category_asks
from biodata.sharing.resolve import Resolver
from biodata.sharing.set_apart import COUNTS, DECIDED, Memory, set_apart
from biodata.text.reference_list import reference_list

TAXON: Final = (
    "scientificName", "acceptedScientificName", "kingdom", "phylum", "class", "order", "family", "genus", "species",
    "taxonRank", "taxonKey", "speciesKey", "iucnRedListCategory",
)  # fmt: skip
"""What is published of the taxon of a presence."""
OF_RECORD: Final = ("taxonKey", "speciesKey", "iucnRedListCategory")
"""What is the record's own of these, where it is interpreted as the same species."""
SENSITIVE: Final = pl.Schema(
    {"key": pl.Int64, "category": pl.String, "rule_id": pl.String, "taxon": pl.String, "country": pl.String}
)
"""What is known of a sensitive record: what was decided, the taxon of its presence, its country where that is wide enough."""
PLACED: Final = (
    "key", "datasetKey", "eventID", "event_start", "event_end", "event_time", "year", "recordedBy", "decimalLongitude",
    "decimalLatitude", "gbifID", "occurrenceID", "media",
)  # fmt: skip
"""Columns of `terms.OCCURRENCE` by which records of one dataset are looked at together."""
_RANDOM: Final = r"(?i)^(?:urn:uuid:)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"
_MOST: Final = 0.95
"""Share of a dataset's records from which on its numbers count as random, or as public elsewhere."""


BEFORE: Final = pl.Schema(
    {"identifier": pl.String, "datasetKey": pl.String, "year": pl.Int32, "longitude": pl.Float64, "latitude": pl.Float64}
)  # fmt: skip
"""What the last release was made of: records by their key, events by theirs."""


@dataclass(frozen=True)
class Plan:
    """What goes out of an installation's sensitive records.

    Attributes
    ----------
    apart : Memory
    secret : bytes
        What marks, and keys of presences, are made with.
    earlier : Memory
        What the release before made of them.
    made : dict
        The presences by the hash of the rules and the boundaries, once they were asked for.
    """

    apart: Memory
    secret: bytes
    earlier: Memory = field(default_factory=Memory, repr=False, compare=False)
    made: dict[tuple[str, BoundarySet], pl.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @property
    def not_open(self) -> pl.Series:
        """Keys of the records that do not go out as they are: set apart, withheld, or waiting with their event."""
        return pl.concat([self.apart.hidden["key"], self.apart.held["key"]])

    @property
    def published(self) -> pl.DataFrame:
        """Return the records that presences stand for, each under the fullest text of its taxon."""
        states = self.apart.states.filter("published")
        return states.with_columns(fullest(states["taxon"]))

    @property
    def marked(self) -> frozenset[str]:
        """Datasets whose own numbers are published as marks."""
        return frozenset(self.apart.marked["datasetKey"])

    def mark(self, values: pl.Series) -> pl.Series:
        """Return a mark for each number of a source: the same for the same one, and nothing that it could be known by."""
        return marks_of(values, self.secret)

    def keys(self, rows: pl.DataFrame) -> pl.Series:
        """Return the keys of presences, below 2^52: in no order, and the same in each release."""
        texts = rows.select(pl.struct(pl.all()).struct.json_encode()).to_series()
        return pl.Series("key", [int.from_bytes(_digest(text, self.secret), "big") >> 12 for text in texts], pl.Int64)


def marks_of(values: pl.Series, secret: bytes) -> pl.Series:
    """Return a mark for each text: the same for the same one, and nothing that it could be known by without the secret."""
    distinct = values.drop_nulls().unique()
    marks = [_digest(text, secret).hex() for text in distinct]
    return values.replace_strict(distinct, pl.Series(marks, dtype=pl.String), default=None, return_dtype=pl.String)


def _digest(text: str, secret: bytes) -> bytes:
    return hashlib.blake2b(text.encode(), key=secret[:64], digest_size=8).digest()


def sensitive_records(
    records: pl.DataFrame, decided: pl.DataFrame, boundaries: BoundarySet, resolver: Resolver
) -> pl.DataFrame:
    """Return what is known of the sensitive ones among records: `SENSITIVE`.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    decided : polars.DataFrame
        As `decide` returns it. An absence of a taxon that a rule hides is withheld.
    boundaries : BoundarySet
        Whose countries count.
    resolver : Resolver
        Of the rules.
    """
    found = records[decided["row"]].with_columns(decided.drop("row"))
    absent = (pl.col("occurrenceStatus") == "ABSENT").fill_null(value=False)
    withheld = pl.lit(str(SharingCategory.WITHHELD))
    found = found.with_columns(category=pl.when(absent).then(withheld).otherwise("category"))
    found = found.with_columns(taxon_of(found, resolver), wide_enough(found, boundaries).alias("country"))
    return found.select(pl.col(name).cast(dtype) for name, dtype in SENSITIVE.items())


def plan_of(
    records: pl.DataFrame, events: pl.DataFrame, sensitive: pl.DataFrame, *, memory: Memory, before: pl.DataFrame,
    released: frozenset[str], secret: bytes, today: date,
) -> Plan:  # fmt: skip
    """Return what goes out of sensitive records.

    Parameters
    ----------
    records : polars.DataFrame
        `PLACED` : all records of the datasets of the sensitive ones.
    events : polars.DataFrame
        Columns of `terms.EVENT` of these datasets; `shown` : True for those that an earlier release had.
    sensitive : polars.DataFrame of `SENSITIVE`
    memory, before, released, today
        As `set_apart` has them.
    secret : bytes
        The installation's.
    """
    records, events = (frame.with_columns(named_dataset()) for frame in (records, events))
    asked = looked_at(records).join(sensitive, on="key", how="left", maintain_order="left")
    placed = with_places(events).select(
        "event_key", "datasetKey", "eventID", "shown", "year", "longitude", "latitude", *fine(), day="event_start"
    )
    facts = facts_of([visits(asked, placed), numbers(records)])
    apart = set_apart(asked, placed, memory, before=before, released=released, today=today, visits=facts)
    marked = marked_datasets(apart.states, facts, _pictured(records, apart.hidden))
    decided = asked.drop_nulls("category").select(DECIDED.names())
    return Plan(replace(apart, marked=marked, decided=decided, facts=facts), secret, memory)


def facts_of(counts: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the sums of what was counted in datasets: `FACTS`."""
    return pl.concat(counts, how="diagonal_relaxed").group_by("datasetKey").agg(pl.col(COUNTS).sum().cast(pl.Int64))


def looked_at(records: pl.DataFrame) -> pl.DataFrame:
    """Return records of `PLACED` as `set_apart` has them, without what was decided of them."""
    return records.select(
        "key", "datasetKey", "eventID", "recordedBy", time=_duration(), year=pl.col("year").cast(pl.Int32),
        day=pl.when(pl.col("event_start") == pl.col("event_end")).then("event_start"),
        longitude="decimalLongitude", latitude="decimalLatitude",
    ).with_columns(fine())  # fmt: skip


def presences(states: pl.DataFrame) -> pl.DataFrame:
    """Return what goes out: each taxon, cell and year of a dataset once.

    Parameters
    ----------
    states : polars.DataFrame of `set_apart.STATES`

    Returns
    -------
    polars.DataFrame
        datasetKey, n, column, row, country, taxon, year; of its records category (the strictest) with its rule_id and beside; keys : theirs. Those without a place are stated by
        their stated country.
    """
    return (
        states.filter("published")
        .sort(strictness("category"), "beside", "rule_id", descending=[True, False, False])
        .group_by("datasetKey", "n", "column", "row", "country", "taxon", "year", maintain_order=True)
        .agg(pl.col("category", "rule_id", "beside").first(), keys=pl.col("key"))
    )


def with_places(events: pl.DataFrame) -> pl.DataFrame:
    """Return events of `terms.EVENT` with `year`, and `longitude`, `latitude` of those that others are not parts of."""
    wholes = events.filter(pl.col("parentEventID") != pl.col("eventID")).select("datasetKey", eventID="parentEventID")
    wholes = wholes.unique().with_columns(whole=pl.lit(value=True))
    single = pl.col("whole").is_null()
    return events.join(wholes, on=["datasetKey", "eventID"], how="left", maintain_order="left").with_columns(
        year=pl.col("event_start").dt.year().cast(pl.Int32),
        longitude=pl.when(single).then("decimalLongitude"),
        latitude=pl.when(single).then("decimalLatitude"),
    )


def numbers(records: pl.DataFrame) -> pl.DataFrame:
    """Count the records of datasets: `records`, with a `random` number, with a `public` one of GBIF, `pictured` ones."""
    random = pl.col("occurrenceID").str.contains(_RANDOM).sum()
    public, pictured = pl.col("gbifID").count(), pl.col("media").count()
    return records.group_by("datasetKey").agg(records=pl.len(), random=random, public=public, pictured=pictured)


def marked_datasets(states: pl.DataFrame, facts: pl.DataFrame, pictured: pl.DataFrame) -> pl.DataFrame:
    """Return the datasets with presences whose numbers are not random, nor public elsewhere: GBIF's; or that are `pictured`."""
    known = facts.filter(pl.max_horizontal("random", "public") / pl.col("records") >= _MOST)
    with_presences = states.filter("published").select("datasetKey").unique()
    return with_presences.join(known.join(pictured, on="datasetKey", how="anti"), on="datasetKey", how="anti")


def _pictured(records: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """Return the datasets in which an open record has a picture of a hidden one, as the parts of one sequence of a camera do."""
    picture = pl.col("media").str.extract_all(r'"identifier": *"[^"]+"')
    pictures = records.select("key", "datasetKey", picture=picture).explode("picture").drop_nulls("picture")
    of_hidden = pictures.join(hidden.select("key"), on="key", how="semi").select("picture").unique()
    opened = pictures.join(hidden.select("key"), on="key", how="anti")
    return opened.join(of_hidden, on="picture", how="semi").select("datasetKey").unique()


def named_dataset() -> pl.Expr:
    """Return `datasetKey`, empty text where a record names none: those are looked at together."""
    return pl.col("datasetKey").fill_null("")


def _duration() -> pl.Expr:
    """Return the local time of day."""
    parts = pl.col("event_time").str.extract_groups(r"^(\d\d):(\d\d)(?::(\d\d))?")
    hours, minutes, seconds = (parts.struct.field(str(n)).cast(pl.Int64) for n in (1, 2, 3))
    return pl.duration(hours=hours, minutes=minutes, seconds=seconds.fill_null(0))


def taxon_of(records: pl.DataFrame, resolver: Resolver) -> pl.Series:
    """Return what a presence of each record is published under, as JSON: a known taxon with its classification, or nothing.

    Keys of GBIF's backbone and the Red List's category are the record's, where it is interpreted as the same species.
    """
    resolved = resolver.resolve(records)
    names = resolved.table["taxon"].gather(resolved.place).alias("name")
    known = reference_list().look_up(names).unique("name", keep="first", maintain_order=True)
    looked = names.to_frame().join(known, on="name", how="left", maintain_order="left")
    low = pl.col("rank").fill_null("SPECIES").is_in(["SPECIES", "SUBSPECIES", "VARIETY", "FORM"])
    words = pl.coalesce("accepted", "name").str.split(" ")
    species = pl.when(low & (words.list.len() > 1)).then(words.list.head(2).list.join(" "))
    own = [pl.lit(None).alias(name) for name in (*OF_RECORD, "species") if name not in records.columns]
    theirs = records.with_columns(own).select(*OF_RECORD, own_species="species")
    theirs = theirs.with_columns(pl.when(pl.col("iucnRedListCategory").is_in(RED_LIST)).then("iucnRedListCategory"))
    named = looked.hstack(theirs).with_columns(
        scientificName=pl.coalesce("accepted", "name"), acceptedScientificName=pl.coalesce("accepted", "name"),
        species=species, taxonRank="rank",
    )  # fmt: skip
    same = (pl.col("species") == pl.col("own_species")).fill_null(value=False)
    named = named.with_columns(pl.when(same).then(name).alias(name) for name in OF_RECORD)
    return named.select(taxon=pl.struct(TAXON).struct.json_encode()).to_series()


def taxa(texts: pl.Series) -> pl.DataFrame:
    """Return the columns of `TAXON` of what `taxon_of` made."""
    schema = pl.Schema({column.name: column.dtype for column in OCCURRENCE if column.name in TAXON})
    return texts.str.json_decode(pl.Struct(schema)).struct.unnest() if len(texts) else schema.to_frame()


def names_of(texts: pl.Series) -> pl.Series:
    """Return the names in texts that `taxon_of` made; a text without one stands for itself."""
    return pl.select(pl.coalesce(taxa(texts)["scientificName"], texts)).to_series()


def fullest(texts: pl.Series) -> pl.Series:
    """Return, of the texts about one name, the fullest for all: some of its records have keys and a category, others none."""
    distinct = texts.unique()
    known = pl.DataFrame({"text": distinct, "name": names_of(distinct)})
    lacking = pl.col("text").str.count_matches(":null", literal=True)
    known = known.with_columns(fullest=pl.col("text").sort_by(lacking, "text").first().over("name"))
    return texts.replace_strict(known["text"], known["fullest"], return_dtype=pl.String).alias("taxon")


FAULTS: Final = pl.Schema({"key": pl.Int64, "datasetKey": pl.String, "problem": pl.String})
"""What a release tells and must not: the number of the record or presence, -1 for an event."""
_PRECISE: Final = tuple(c.name for c in PUBLISHED_OCCURRENCE if c.reach is Reach.PRECISE)
CHECKED: Final = (
    "key", "datasetKey", "sharing_category", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters",
    "quality_flags", "cell_west", "cell_south", "cell_east", "cell_north", *_PRECISE,
)  # fmt: skip
"""Columns of published records that are looked at."""
_REMEDY: Final = (
    "report it to the makers of biodata with the output of `biodata audit leaks`; nothing of it was let out"
)


def faults_of(published: pl.DataFrame, hidden: pl.DataFrame, plan: Plan, events: pl.DataFrame) -> pl.DataFrame:
    """Return what a release tells that it must not.

    Parameters
    ----------
    published : polars.DataFrame
        `CHECKED` columns of its records.
    hidden : polars.DataFrame
        key, datasetKey, came_coarse : all records that a rule, a label or a node made less than open, found anew; those that
        came as cells from a node go out under their own numbers.
    plan : Plan
        What was to go out.
    events : polars.DataFrame
        survey_id, datasetKey of its events.

    Returns
    -------
    polars.DataFrame of `FAULTS`
    """
    is_open = pl.col("sharing_category").eq_missing(str(SharingCategory.OPEN))
    opened, coarse = published.filter(is_open), published.filter(~is_open)
    precise = pl.any_horizontal(pl.col(name).is_not_null() for name in _PRECISE if name in coarse.columns)
    placed_wrongly = ~is_as_its_category_asks() | (pl.col("sharing_category") == str(SharingCategory.WITHHELD))
    shown = events.filter(pl.col("survey_id").is_in(_unpublished(plan).implode()))
    wrong = {
        "a record that a rule hides goes out as it is": opened.join(hidden, on="key", how="semi"),
        "a record that is set apart goes out as it is": opened.filter(pl.col("key").is_in(plan.not_open.implode())),
        "a presence has a value that only an open record may have": coarse.filter(precise),
        "the place of a presence is none that its category lets out": coarse.filter(placed_wrongly),
        "a presence has the number of a record": coarse.join(plan.apart.hidden, on="key", how="semi"),
        "its crowd has too few places": _crowdless(plan),
        "an event goes out that would show a missing record": shown.with_columns(key=pl.lit(-1)),
    }
    found = [rows.select("key", "datasetKey", problem=pl.lit(problem)).cast(FAULTS) for problem, rows in wrong.items()]
    return pl.concat(found)


def _unpublished(plan: Plan) -> pl.Series:
    """Return the names that events which are not published would have, in datasets of marked numbers too."""
    events = plan.apart.unpublished
    marked = events.join(plan.apart.marked, on="datasetKey", how="semi").with_columns(start=pl.col("datasetKey") + ":")
    numbers = marked.select(pl.col("event_key").str.strip_prefix(pl.col("start"))).to_series()
    return pl.concat([events["event_key"], marked["start"] + plan.mark(numbers)])


def _crowdless(plan: Plan) -> pl.DataFrame:
    """Return records that went out in a crowd of fewer than ten places, or fewer than five tenths, or not of its cell."""
    memory = plan.apart
    places = memory.crowds.with_columns(tenth=pl.struct(pl.col("x").floordiv(10), pl.col("y").floordiv(10)))
    inside = (pl.col("x").floordiv(PARTS) == pl.col("column")) & (pl.col("y").floordiv(PARTS) == pl.col("row"))
    crowds = places.group_by("datasetKey", unit="crowd").agg(
        places=pl.struct("x", "y").n_unique(), tenths=pl.col("tenth").n_unique(), inside=inside.all()
    )
    states = memory.states.filter("published", ~pl.col("unit").str.contains("|", literal=True))
    few = (pl.col("places") < PLACES) | (pl.col("tenths") < TENTHS) | ~pl.col("inside")
    return states.join(crowds, on=["datasetKey", "unit"], how="left").filter(few.fill_null(value=True))


def fault_message(found: pl.DataFrame) -> str:
    """Return what is wrong, and what can be done, for whoever makes a release."""
    kinds = found.group_by("problem").agg(pl.len(), keys=pl.col("key").sort().head(5)).sort("problem")
    parts = [f"{n} x {problem} (records {', '.join(map(str, keys))})" for problem, n, keys in kinds.iter_rows()]
    return f"{'; '.join(parts)}: {_REMEDY}"

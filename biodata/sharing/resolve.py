"""Which rules the names of a record call for: exactly, and failing closed where a name is not known.

A name is *known* when its canonical form stands, letter for letter, in the reference list or in the hand lists of the
listed taxa. It gets the rules of its taxon, of what is above it and, at the rank of a genus or lower, of what is below.
A name that is not known gets every rule that the record's stated classification, or the scope that its dataset
declares, does not exclude. The genus of the name itself excludes nothing: a misspelt tiger is still a *Panthera*.
Checklists of an installation tie a name to a listed taxon; they make none known.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import chain, combinations
from operator import and_, or_
from typing import Any, Final, NamedTuple

import polars as pl

from biodata.core.terms import STATED_TAXON
from biodata.sharing import names
from biodata.sharing.names import GROUPS, Checklists, CommonNames, Lineage, Reading, Readings
from biodata.sharing.rule import Rule
from biodata.text.reference_list import CLASSIFICATION

WORDS: Final = ("vernacularName", "verbatimIdentification")
"""Terms of free words: those that are not known count only where no name of a genus or lower is known beside them."""
INTERPRETED: Final = ("scientificName", "acceptedScientificName", "species")
_PARTS: Final = ("genericName", "specificEpithet", "infraspecificEpithet")
COLUMNS: Final = (*INTERPRETED, *_PARTS, "genus", *GROUPS, "match_type", "stated_taxon", "datasetKey")
"""The columns of `terms.OCCURRENCE` that are looked at."""
_STATED: Final = tuple(f"stated {name}" for name in STATED_TAXON if name not in (*WORDS, *CLASSIFICATION))
_OWN: Final = ("scientificName", *_STATED)
"""Names of a record that were not filled in from what it was matched with."""
_NAMES: Final = (*INTERPRETED, "parts", *_STATED)
"""Where a set of names has names: each that is not known fails closed."""
_RANKS: Final = {**dict(zip(GROUPS, GROUPS, strict=True)), "genus": "genus", "stated genus": "genus"}
"""Where it has groups, and their ranks, the highest first."""
_MORE: Final = r"[(\[]|[^\x00-\x{2ff}]"
"""Where a text has brackets, or another script, it may name one more taxon."""
_WORDS: Final = re.compile(r"[A-Za-z\u00c0-\u02ff'-]+|[^\x00-\u02ff\s]+")
_REMEMBERED: Final = 200_000
"""Texts whose answers are kept."""
_TABLE: Final = pl.Schema(
    {"rules": pl.UInt32, "sure": pl.UInt32, "taxon": pl.String, "known": pl.Boolean, "reason": pl.String}
)
Found = tuple[int, int, str | None, bool, str]
"""Rules, sure ones, taxon, whether every name is known, and the reason, of one set of names."""
Groups = tuple[tuple[str, str], ...]
"""Stated groups, each with its rank, the highest first."""


class Answer(NamedTuple):
    """What one text calls for; sets of rules are the bits of a number.

    Attributes
    ----------
    known : bool
    low : bool
        True for a genus or what is below it; True too for a name that is not known, unless it is a common name.
    up, down : int
        Rules of the taxon and of what is above it, and of what is below it.
    sure : int
        Those of `up` that surely apply: none where the name is doubted, or not known.
    taxon : str, optional
        The accepted name.
    spoken : bool
        True for a common name.
    """

    known: bool
    low: bool
    up: int
    down: int
    sure: int = 0
    taxon: str | None = None
    spoken: bool = False


@dataclass(frozen=True, eq=False)
class Resolved:
    """What the names of n records call for.

    Attributes
    ----------
    place : Series of UInt32, length n
        The row of `table` of each record.
    table : polars.DataFrame
        A row for each distinct set of names: `rules`, `sure` (places in `rule_sets`), `taxon` (the name under which a
        presence goes out, null where the record states nothing that is known), `known`, `reason`.
    rule_sets : tuple of frozenset of int
        Numbers of rules.
    """

    place: pl.Series
    table: pl.DataFrame
    rule_sets: tuple[frozenset[int], ...]

    def of_rows(self, column: str = "rules") -> list[frozenset[int]]:
        """Return the rules of each row of the table; with `sure` those that surely apply, as they are written."""
        return [self.rule_sets[at] for at in self.table[column]]


class _Stated(NamedTuple):
    """A stated group: where it may stand, the rules of it and of what is above it, and those that it does not exclude."""

    lineages: Sequence[Lineage]
    rules: int
    not_excluded: int


class RulePlaces:
    """Where the taxa of rules stand, as bits by rank and name: asked at once for all rules, as `names.may_be` asks for one.

    Parameters
    ----------
    lineages : mapping of int to sequence of Lineage
        By the bit of the rule, where its taxon may stand.
    """

    def __init__(self, lineages: Mapping[int, Sequence[Lineage]]) -> None:
        # A layer holds one lineage of each rule, so that the rule's own bit stands for it.
        depth = max(map(len, lineages.values()), default=0)
        layers = [{rule: own[at] for rule, own in lineages.items() if at < len(own)} for at in range(depth)]
        self._layers = [(sum(layer), *self._by_rank(layer)) for layer in layers]

    @staticmethod
    def _by_rank(layer: Mapping[int, Lineage]) -> tuple[Mapping[str, int], Mapping[tuple[str, str], int]]:
        """Return the rules whose lineage tells a rank, and those that have a name at it."""
        facts, named = defaultdict[str, int](int), defaultdict[tuple[str, str], int](int)
        for rule, lineage in layer.items():
            for rank, values in lineage.items():
                facts[rank] |= rule
                for value in values:
                    named[rank, value] |= rule
        return facts, named

    def not_excluded(self, stated: Iterable[Lineage]) -> int:
        """Return the rules whose taxa may lie in a group that may stand in any of these places, or the group in them."""
        found = 0
        for every, facts, named in self._layers:
            for lineage in stated:
                left = every
                for rank, values in lineage.items():
                    left &= ~facts.get(rank, 0) | _together(named.get((rank, value), 0) for value in values)
                found |= left
        return found


class Resolver:
    """The taxa of some rules, asked by names.

    Parameters
    ----------
    rules : sequence of Rule
        Numbered from 0; rules without a taxon are left out.
    checklists : Checklists, optional
    scopes : iterable of pairs of str
        Datasets' keys, each with the taxon that the dataset declares to be about.
    closed : bool
        False to know what names call for as they are read: one that is not known calls for no more than its genus does.
    """

    def __init__(
        self, rules: Sequence[Rule], checklists: Checklists | None = None, scopes: Iterable[tuple[str, str]] = (), *,
        closed: bool = True,
    ) -> None:  # fmt: skip
        self._checklists, self._scopes, self._closed = checklists, dict(scopes), closed
        self._common = names.bundled_common_names() if checklists is None else checklists.common
        # By the key of a rule's own taxon; by the key of every taxon that this lies in.
        self._at, self._below = defaultdict[str, int](int), defaultdict[str, int](int)
        self._answers: dict[str, Answer] = {}
        self._sets: dict[str, Found] = {}
        self._stated: dict[tuple[str, str], _Stated] = {}
        self._left: dict[tuple[Groups, str | None], tuple[int, str | None]] = {}
        taxa = {1 << n: (r.scientific_name, r.rank) for n, r in enumerate(rules) if r.scientific_name is not None}
        self._all = sum(taxa)
        words = {name: (name, *names.meant_by_hand(name)) for name, _ in taxa.values()}
        readings = names.looked_up(one for name in words for one in (*words[name], name.split()[0]))
        lineages: dict[int, Sequence[Lineage]] = {}
        for rule, (name, rank) in taxa.items():
            meant = [one for word in words[name] for one in readings.get(word, ())]
            meant = [one for one in meant if rank in (None, one.rank)] or meant
            genus = [one for one in readings.get(name.split()[0], ()) if one.rank == "GENUS" and " " in name]
            for key in {name.casefold(), *(one.keys[-1] for one in meant)}:
                self._at[key] |= rule
            # An old genus, too: Cervus sp. may be a Cervus eldii.
            for key in {key for one in meant for key in one.keys} | {one.keys[-1] for one in genus}:
                self._below[key] |= rule
            # What no list knows may stand anywhere.
            lineages[rule] = [names.with_opinions(one.groups, name) for one in meant or genus] or [{}]
        self._places = RulePlaces(lineages)

    def resolve(self, records: pl.DataFrame) -> Resolved:
        """Resolve the names of records, each distinct set once.

        Parameters
        ----------
        records : polars.DataFrame of n rows
            With those of `COLUMNS` that it has.
        """
        sets, place = _distinct(records, scoped=bool(self._scopes))
        # Another thread may be reading the old ones.
        known = self._sets if len(self._sets) <= _REMEMBERED else {}
        texts = sets.select(pl.struct(pl.all()).struct.json_encode()).to_series().to_list()
        new = sets.with_columns(text=pl.Series(texts, dtype=pl.String)).filter([text not in known for text in texts])
        answers = self._answers_to(pl.concat([new[name] for name in (*_NAMES, *WORDS)]))
        self._read_groups(new)
        known |= {row["text"]: self._of_set(row, answers) for row in new.iter_rows(named=True)}
        self._sets = known
        found = [known[text] for text in texts]
        columns: dict[str, list[Any]] = {name: [one[at] for one in found] for at, name in enumerate(_TABLE)}
        numbers = {mask: at for at, mask in enumerate(dict.fromkeys([*columns["rules"], *columns["sure"]]))}
        columns |= {name: [numbers[mask] for mask in columns[name]] for name in ("rules", "sure")}
        return Resolved(place, pl.DataFrame(columns, _TABLE), tuple(map(_bits, numbers)))

    def _of_set(self, row: Mapping[str, str | None], answers: Mapping[str, Answer]) -> Found:
        """Return what one set of names calls for."""
        named = [answers[text] for name in _NAMES if (text := row[name]) is not None]
        words = [answers[text] for name in WORDS if (text := row[name]) is not None]
        groups = tuple((rank, text) for name, rank in _RANKS.items() if (text := row[name]) is not None)
        low = any(one.known and one.low for one in named)
        counted = named if low else [*named, *words]
        known = bool(counted) and all(one.known for one in counted)
        rules = 0
        for one in (*named, *words):
            rules |= one.up | (one.down if one.low else 0)
        for one in () if low else (*words, *(one for one in named if one.spoken)):
            rules |= one.down
        for group in groups:
            rules |= self._stated[group].rules
        sure = reduce(and_, (one.sure for one in named), self._all) if named else 0
        scope = self._scopes.get(row["datasetKey"] or "")
        left, lowest = (0, None) if known and low else self._not_excluded(groups, scope)
        # What was filled in may be what a misspelt name was matched with.
        own = named if known else [answers[text] for name in _OWN if (text := row[name]) is not None]
        own.sort(key=lambda one: not one.low)
        taxon = next((one.taxon for one in own if one.taxon and (known or one.low)), lowest)
        reason = "NAME_KNOWN" if known else "NAME_UNKNOWN" if counted else "NAME_MISSING"
        return rules | left if self._closed and not known else rules, sure, taxon, known, reason

    def of_names(self, texts: Sequence[str]) -> frozenset[int]:
        """Return the rules that some names call for, those that are not known for what they are tied to."""
        answers = self._answers_to(pl.Series(texts, dtype=pl.String))
        return _bits(_together(answers[text].up | answers[text].down for text in texts))

    def _answers_to(self, texts: pl.Series) -> Mapping[str, Answer]:
        """Return what texts call for, these and others; each is read once, however often it is asked for."""
        # Another thread may be reading the old ones.
        answers = self._answers if len(self._answers) <= _REMEMBERED else {}
        if new := [text for text in texts.drop_nulls().unique() if text not in answers]:
            answers |= self._read(new)
        self._answers = answers
        return answers

    def _read(self, texts: Sequence[str]) -> dict[str, Answer]:
        """Return what texts call for that were not read before."""
        read = names.canonical(pl.Series(texts)).with_columns(pl.col("name").fill_null(""))
        ties = {} if self._checklists is None else self._checklists.ties(read["name"].str.to_lowercase())
        # What is plainly a name of two words is no common name.
        words = read.filter(~pl.col("plain") | ~pl.col("name").str.contains(" "))["value"].unique()
        spoken = {text: taxa for text in words if (taxa := names.meaning(text, self._common))}
        more = read.filter(pl.col("doubted") | pl.col("value").str.contains(_MORE))["value"]
        others = {text: _others_in(text, self._common) for text in more}
        by_hand = chain.from_iterable(map(_by_hand, read["name"]))
        parts = (part for name in read.filter(~pl.col("plain"))["name"] for part in _prefixes(name))
        tied = (target for some in ties.values() for target, _ in some)
        readings = names.looked_up([*read["name"], *by_hand, *parts, *tied, *chain(*spoken.values(), *others.values())])
        # Thousands of names are tied to the same few groups.
        called = {name: self._called_by(some) for name, some in readings.items()}
        found: dict[str, Answer] = {}
        for text, name, doubted, _ in read.iter_rows():
            targets = [*ties.get(name.casefold(), ()), *((taxon, False) for taxon in spoken.get(text, ()))]
            one = self._of_name(name, readings, called, targets, doubted=doubted)
            for taxon in others.get(text, ()):
                up, down = called.get(taxon, (0, 0))
                up |= self._at.get(taxon.casefold(), 0) | (down if any(r.low for r in readings.get(taxon, ())) else 0)
                one = one._replace(up=one.up | up, sure=one.sure if one.up | up == one.up else 0)
            if text in spoken:  # one that only checklists have is not known by it
                known = one.known or bool(names.meaning(text, names.bundled_common_names()))
                one = one._replace(known=known, low=one.known and one.low, sure=0, spoken=True)
            if text in found:  # it names two taxa
                other = found[text]
                one = Answer(one.known and other.known, one.low or other.low, one.up | other.up, one.down | other.down)
            found[text] = one
        return found

    def _called_by(self, some: Sequence[Reading]) -> tuple[int, int]:
        """Return the rules of the taxa that a name means and of what is above them, and of what is below them."""
        return _together(map(self._up, some)), _together(self._below.get(one.keys[-1], 0) for one in some)

    def _of_name(
        self, name: str, readings: Readings, called: Mapping[str, tuple[int, int]], targets: Sequence[tuple[str, bool]],
        *, doubted: bool,
    ) -> Answer:  # fmt: skip
        """Return what a canonical name and what it is tied to call for; one that is doubted or not known also what its genus does."""
        by_text, listed = self._at.get(name.casefold(), 0), readings.get(name, ())
        own = [*listed, *(one for meant in _by_hand(name) for one in readings.get(meant, ()))]
        up, down, sure = by_text, 0, self._all
        for one in own:
            of_one = by_text | self._up(one)
            up, sure = up | of_one, sure & of_one
            # By hand an old name of a species may lead to its genus; the list says which species it is.
            if one in listed or not listed or one.rank == "SPECIES":
                down |= self._below.get(one.keys[-1], 0)
        parts = _prefixes(name) if doubted or not own else []
        for one in (one for part in parts for one in readings.get(part, ()) if one.low):
            up, down = up | self._up(one), down | self._below.get(one.keys[-1], 0)
        for target, above in targets:
            of_target, below = called.get(target, (0, 0))
            up, down = up | of_target | self._at.get(target.casefold(), 0), down | (0 if above else below)
        # A name that no list knows may be a rule's own: its presence goes out under it.
        taxon = own[0].accepted if own else name if by_text else None
        low = not own or any(one.low for one in own)
        return Answer(bool(own), low, up, down, 0 if doubted or not own else sure, taxon)

    def _up(self, one: Reading) -> int:
        """Return the rules of a taxon and of what is above it."""
        found = 0
        for key in one.keys:
            found |= self._at.get(key, 0)
        return found

    def _read_groups(self, sets: pl.DataFrame) -> None:
        """Read the groups that sets of names state: where each may stand, and the rules of it and of what is above it."""
        stated = {(rank, text) for name, rank in _RANKS.items() for text in sets[name].drop_nulls().unique()}
        new = stated - self._stated.keys()
        readings = names.looked_up(text for _, text in new)
        for rank, text in new:
            found = [one for one in readings.get(text, ()) if one.rank == rank.upper()]
            lineages = names.stands(rank, text, found)
            rules = _together(map(self._up, found))
            self._stated[rank, text] = _Stated(lineages, rules, self._places.not_excluded(lineages))

    def _not_excluded(self, groups: Groups, scope: str | None) -> tuple[int, str | None]:
        """Return the rules that stated groups and a scope do not exclude, and the lowest known group.

        Groups that contradict one another exclude no more than all of them do.
        """
        stated = tuple(group for group in groups if self._stated[group].lineages)
        if (stated, scope) not in self._left:
            known = [(text, self._stated[rank, text]) for rank, text in stated]
            if scope is not None and (meant := names.looked_up([scope]).get(scope)):
                lineages = [names.with_opinions(one.groups, scope) for one in meant]
                known.insert(0, (scope, _Stated(lineages, 0, self._places.not_excluded(lineages))))
            agree = all(names.may_be(one.lineages, other.lineages) for (_, one), (_, other) in combinations(known, 2))
            left = reduce(and_ if agree else or_, (one.not_excluded for _, one in known), self._all if agree else 0)
            self._left[stated, scope] = left, known[-1][0] if known and agree else None
        return self._left[stated, scope]


resolver: Final = lru_cache(maxsize=8)(Resolver)
"""The resolver of some rules; the same object each time."""


def _distinct(records: pl.DataFrame, *, scoped: bool) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct sets of names of records, blank ones as null, and the place of each record among them."""
    none = [pl.lit(None).alias(name) for name in COLUMNS if name not in records.columns]
    table = records.with_columns(none).select(pl.col(COLUMNS).cast(pl.String))
    table = table.with_columns(pl.col("match_type").is_not_null(), pl.when(scoped).then("datasetKey"))
    # What no record states tells none apart.
    stated = [name for name in COLUMNS if table[name].null_count() < table.height] or list(COLUMNS)
    rows = table.with_row_index("row").group_by(stated, maintain_order=True).agg("row").with_row_index("place")
    place = rows.select("place", "row").explode("row").sort("row")["place"]
    distinct = table[rows["row"].list.first()]
    by_source = pl.col("stated_taxon").str.json_decode(pl.Struct(dict.fromkeys(STATED_TAXON, pl.String))).struct
    table = distinct.with_columns(by_source.field(name).alias(f"stated {name}") for name in STATED_TAXON)
    # What is not stated was filled from the checklist that the name was matched with.
    unmatched = pl.col("stated_taxon").is_null() & ~pl.col("match_type")
    species = pl.concat_str(_PARTS[:2], separator=" ")
    whole = pl.concat_str(species, _PARTS[2], separator=" ", ignore_nulls=True)
    groups = {rank: pl.coalesce(f"stated {rank}", pl.when(unmatched).then(rank)).str.to_titlecase() for rank in GROUPS}
    sets = table.with_columns(
        **groups,
        **{name: pl.col(f"stated {name}") for name in WORDS},
        parts=pl.when(species.is_not_null()).then(whole),
    ).select(pl.col(*_NAMES, *WORDS, *_RANKS, "datasetKey").str.strip_chars())
    return sets.with_columns(pl.when(pl.all() != "").then(pl.all())), place


def _others_in(text: str, common: CommonNames) -> set[str]:
    """Return what may name a taxon in a text: each run of three words or fewer of one script."""
    words = _WORDS.findall(text)
    runs = [" ".join(words[at : at + n]) for n in (1, 2, 3) for at in range(len(words) - n + 1)]
    return {run.capitalize() for run in runs}.union(*(names.meaning(run, common) for run in runs))


def _prefixes(name: str) -> list[str]:
    """Return the genus of a name, and its species where it is below one."""
    words = name.split()
    return [" ".join(words[:n]) for n in range(1, len(words))]


def _by_hand(name: str) -> list[str]:
    """Return the listed taxa that a name, or that of the species which it is below, is another name of."""
    return [meant for part in (name, *_prefixes(name)[1:]) for meant in names.meant_by_hand(part)]


def _together(masks: Iterable[int]) -> int:
    """Return the rules of all of some sets."""
    return reduce(or_, masks, 0)


def _bits(mask: int) -> frozenset[int]:
    return frozenset(n for n in range(mask.bit_length()) if mask >> n & 1)

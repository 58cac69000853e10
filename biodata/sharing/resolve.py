"""Which rules the names of a record call for: exactly, and failing closed where a name is not known.

A name is *known* when its canonical form stands, letter for letter, in the reference list or in the hand lists of the
listed taxa. It gets the rules of its taxon, of what is above it and, at the rank of a genus or lower, of what is below.
A name that is not known gets every rule that the record's stated classification, or the scope that its dataset
declares, does not exclude. The genus of the name itself excludes nothing: a misspelt tiger is still a *Panthera*.
Checklists of an installation tie a name to a listed taxon; they make none known.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.parsers.name_text import Issue
from biodata.parsers.reference_list import CLASSIFICATION, reference_list
from biodata.parsers.scientific_names import parse_names
from biodata.sharing.classification import (
    GROUPS,
    Lineage,
    Reading,
    Readings,
    looked_up,
    may_be,
    meant_by_hand,
    stands,
    with_opinions,
)
from biodata.sharing.common_names import CommonNames, bundled_common_names, common_names, meaning
from biodata.sharing.rule import Rule
from biodata.terms import STATED_TAXON

WORDS: Final = ("vernacularName", "verbatimIdentification")
"""Terms of free words: those that are not known count only where no name of a genus or lower is known beside them."""
_PARTS: Final = ("genericName", "specificEpithet", "infraspecificEpithet")
INTERPRETED: Final = ("scientificName", "acceptedScientificName", "species")
COLUMNS: Final = (*INTERPRETED, *_PARTS, "genus", *GROUPS, "match_type", "stated_taxon", "datasetKey")
"""The columns of `terms.OCCURRENCE` that are looked at."""
_STATED_NAMES: Final = tuple(f"s_{name}" for name in STATED_TAXON if name not in (*WORDS, *CLASSIFICATION))
_NAMES: Final = (*INTERPRETED, "parts", *_STATED_NAMES)
"""Where a set of names has names: each that is not known fails closed."""
_GROUP_COLUMNS: Final = (*GROUPS, "genus", "s_genus")
_MAY_JOIN: Final = r"(?:subsp|ssp|var)\. "
_NAME_AND_AUTHORS: Final = (
    rf"^([A-Z][a-z-]+(?: [a-z-]+(?: (?:{_MAY_JOIN})?[a-z-]{{3,}})?)?)"
    r"(?:,? [(\[]?(?:\p{Lu}[\p{L}'’.-]*|&|et|ex|in|f\.|fil\.|de|la|du|des|van|von|den|der|1[789]\d\d|20\d\d)[)\],.]*)*$"
)
"""Genus and epithets, and behind them nothing but people, years and what joins them."""
_PIECES: Final = re.compile(r"[(\[]([^()\[\]]{3,})[)\]]|([^\x00-\u02ff\s][^\x00-\u02ff]*)")
"""What stands in brackets, and words of other scripts: they may name another taxon."""
_DOUBTS: Final = [str(issue.value) for issue in (Issue.UNDETERMINED, Issue.PARTLY_READ, Issue.HYBRID_FORMULA)]


_REMEMBERED: Final = 200_000
"""Texts whose answers are kept."""


class Answer(NamedTuple):
    """What one text calls for; sets of rules are the bits of a number.

    Attributes
    ----------
    known : bool
    low : bool
        True for a genus or what is below it; True too where that is not known.
    up, down : int
        Rules of the taxon and of what is above it, and of what is below it.
    sure : int
        Those of `up` that surely apply: none where the name is doubted, or not known.
    taxon : str, optional
        The accepted name.
    spoken : bool
        True for a common name.
    """

    known: bool = False
    low: bool = True
    up: int = 0
    down: int = 0
    sure: int = 0
    taxon: str | None = None
    spoken: bool = False


@dataclass(frozen=True, eq=False)
class Checklists:
    """The checklists of an installation, as `terms.TAXON`: synonyms and common names that tie a name to a taxon."""

    taxa: pl.DataFrame

    @classmethod
    def of(cls, taxa: pl.DataFrame) -> "Checklists | None":
        """Return checklists; None of none."""
        return cls(taxa) if taxa.height else None

    @cached_property
    def common(self) -> CommonNames:
        """The taxa that each common name means, the bundled ones among them."""
        return common_names(self.taxa)

    @cached_property
    def _names(self) -> pl.DataFrame:
        """Every name, small, with what stands for its taxon."""
        accepted = pl.when(pl.col("taxonomicStatus") == "SYNONYM").then("accepted_taxon_id").otherwise("taxon_id")
        rows = self.taxa.with_columns(taxon=pl.struct("checklist", accepted=pl.coalesce(accepted, "scientificName")))
        names = [rows.select("taxon", name="scientificName"), rows.select("taxon", name="synonyms").explode("name")]
        return pl.concat(names).drop_nulls().with_columns(small=pl.col("name").str.to_lowercase()).unique()

    def ties(self, names: pl.Series) -> pl.DataFrame:
        """Return what names, small, are tied to: `small`, `target`, `above` (True for a group that holds the taxon)."""
        asked = names.drop_nulls().unique().alias("small").to_frame().join(self._names.drop("name"), on="small")
        other = asked.join(self._names.select("taxon", target="name"), on="taxon")
        small = pl.col("scientificName").str.to_lowercase()
        above = self.taxa.with_columns(small=small).join(
            pl.concat([asked["small"], other["target"].str.to_lowercase()]).unique().alias("small").to_frame(),
            on="small",
        )
        groups = above.unpivot(CLASSIFICATION, index="small", value_name="target").drop_nulls()
        of_other = other.select("small", other=pl.col("target").str.to_lowercase())
        groups = of_other.join(groups, left_on="other", right_on="small").select("small", "target")
        found = [one.with_columns(above=pl.lit(at)) for one, at in ((other, False), (groups, True))]
        return pl.concat([one.select("small", "target", "above") for one in found]).unique()


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


class Resolver:
    """The taxa of some rules, asked by names.

    Parameters
    ----------
    rules : sequence of Rule
        Numbered from 0; rules without a taxon are left out.
    checklists : Checklists, optional
    scopes : mapping of str to str
        The taxon that a dataset declares to be about, by its key.
    closed : bool
        False to know what names call for as they are read: one that is not known calls for no more than its genus does.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        checklists: Checklists | None = None,
        scopes: Mapping[str, str] = MappingProxyType({}),
        *,
        closed: bool = True,
    ) -> None:
        self._checklists, self._scopes, self._closed = checklists, scopes, closed
        self._answers: dict[str, Answer] = {}
        self._common = bundled_common_names() if checklists is None else checklists.common
        self._own: dict[str, int] = defaultdict(int)
        self._under: dict[str, int] = defaultdict(int)
        self._by_text: dict[str, int] = defaultdict(int)
        self._lineages: dict[int, list[Lineage]] = {}
        self._stated: dict[tuple[str, str], tuple[list[Lineage], int]] = {}
        self._left: dict[tuple[tuple[tuple[str, str], ...], str | None], tuple[int, str | None]] = {}
        taxa = {n: (r.scientific_name, r.rank) for n, r in enumerate(rules) if r.scientific_name is not None}
        self._all = sum(1 << number for number in taxa)
        readings = looked_up(w for name, _ in taxa.values() for w in (name, *meant_by_hand(name), name.split()[0]))
        for number, (name, rank) in taxa.items():
            found = [one for word in (name, *meant_by_hand(name)) for one in readings.get(word, ())]
            found = [one for one in found if rank in (None, one.rank)] or found
            self._by_text[name.casefold()] |= 1 << number
            for one in found:
                self._own[one.keys[-1]] |= 1 << number
                for key in one.keys:
                    self._under[key] |= 1 << number
            genus = [one for one in readings.get(name.split()[0], ()) if one.rank == "GENUS"]
            for one in genus if " " in name else ():  # an old one, too: Cervus sp. may be a Cervus eldii
                self._under[one.keys[-1]] |= 1 << number
            near = found or genus
            self._lineages[number] = [with_opinions(one.groups, name) for one in near]

    def resolve(self, records: pl.DataFrame) -> Resolved:
        """Resolve the names of records, each distinct set once.

        Parameters
        ----------
        records : polars.DataFrame of n rows
            With those of `COLUMNS` that it has.
        """
        sets, place = _distinct(records, scoped=bool(self._scopes))
        texts = pl.concat([sets[name] for name in (*_NAMES, *WORDS)]).drop_nulls().unique()
        answers = self.answers(texts)
        self._read_groups(sets)
        numbers: dict[int, int] = {}
        rows = []
        for row in sets.iter_rows(named=True):
            rules, sure, *rest = self._of_set(row, answers)
            rows.append((*(numbers.setdefault(mask, len(numbers)) for mask in (rules, sure)), *rest))
        schema = {"rules": pl.UInt32, "sure": pl.UInt32, "taxon": pl.String, "known": pl.Boolean, "reason": pl.String}
        return Resolved(place, pl.DataFrame(rows, schema, orient="row"), tuple(_bits(mask) for mask in numbers))

    def _of_set(
        self, row: Mapping[str, str | None], answers: Mapping[str, Answer]
    ) -> tuple[int, int, str | None, bool, str]:
        """Return rules, sure ones, taxon, whether every name is known, and the reason, of one set of names."""
        names = [answers[text] for text in dict.fromkeys(row[name] for name in _NAMES) if text is not None]
        words = [answers[text] for name in WORDS if (text := row[name]) is not None]
        low = [one for one in names if one.known and one.low]
        rules, sure = 0, self._all if names else 0
        for one in names:
            rules |= one.up | (one.down if one.low or (one.spoken and not low) else 0)
            sure &= one.sure
        for one in words:
            rules |= one.up | (one.down if one.low or not low else 0)
        groups = tuple((rank, text) for rank in GROUPS if (text := row[rank]) is not None)
        for name in _GROUP_COLUMNS:
            if (text := row[name]) is not None:
                rules |= self._stated[name.removeprefix("s_"), text][1]
        counted = names if low else [*names, *words]
        known = bool(counted) and all(one.known for one in counted)
        scope = self._scopes.get(row["datasetKey"] or "")
        left, lowest = (0, None) if known and low else self._not_excluded(groups, scope)
        # What was filled in may be what a misspelt name was matched with.
        filled = _NAMES if known else ("scientificName", *_STATED_NAMES)
        own = sorted((answers[text] for name in filled if (text := row[name]) is not None), key=lambda one: not one.low)
        taxon = next((one.taxon for one in own if one.taxon and (known or one.low)), lowest)
        reason = "NAME_KNOWN" if known else "NAME_UNKNOWN" if counted else "NAME_MISSING"
        return rules | left if self._closed and not known else rules, sure, taxon, known, reason

    def of_names(self, names: Iterable[str]) -> frozenset[int]:
        """Return the rules that some names call for, those that are not known for what they are tied to."""
        rules = 0
        for one in self.answers(pl.Series(list(names), dtype=pl.String)).values():
            rules |= one.up | one.down
        return _bits(rules)

    def answers(self, texts: pl.Series) -> dict[str, Answer]:
        """Return what each of some texts calls for; each is read once, however often it is asked for."""
        wanted = texts.drop_nulls().unique()
        found = {text: one for text in wanted if (one := self._answers.get(text)) is not None}
        new = wanted.filter(~wanted.is_in(list(found)))
        if len(new):
            if len(self._answers) > _REMEMBERED:
                self._answers.clear()
            read = self._read(new)
            found |= {text: read[text] for text in new}
            self._answers.update(found)
        return found

    def _read(self, texts: pl.Series) -> dict[str, Answer]:
        """Return what texts call for that were not read before, and the pieces of them."""
        pieces = {text: parts for text in texts if (parts := _pieces(text))}
        others = pl.Series([one for parts in pieces.values() for one in parts], dtype=pl.String)
        read = canonical(pl.concat([texts, others]))
        names = read["name"].drop_nulls().to_list()
        ties: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        if self._checklists is not None:
            for small, target, above in self._checklists.ties(read["name"].str.to_lowercase()).iter_rows():
                ties[small].append((target, above))
        # What is plainly a name of two words is no common name.
        words = read.filter(~pl.col("plain") | ~pl.col("name").str.contains(" "))["value"].unique()
        spoken = {text: taxa for text in words if (taxa := meaning(text, self._common))}
        readings = looked_up((*names, *(target for name in names for target in meant_by_hand(name))))
        unsure = read.filter(pl.col("doubted") | ~pl.col("name").is_in(list(readings)))["name"].drop_nulls()
        targets = (
            *(target for tied in ties.values() for target, _ in tied),
            *(taxon for taxa in spoken.values() for taxon in taxa),
        )
        readings |= looked_up((*targets, *(part for name in unsure for part in _prefixes(name))))
        found: dict[str, Answer] = {}
        for text, name, doubted, _ in read.iter_rows():
            one = Answer()
            if name is not None:
                one = self._of_name(name, readings, ties.get(name.casefold(), ()), doubted=doubted)
            if text in spoken:
                one = self._spoken(text, spoken[text], readings, one)
            found[text] = _of_both(found[text], one) if text in found else one
        for text, beside in pieces.items():
            for other in (found[piece] for piece in beside):
                also = found[text].up | other.up | (other.down if other.low else 0)
                found[text] = found[text]._replace(up=also, sure=found[text].sure if also == found[text].up else 0)
        return found

    def _of_name(self, name: str, readings: Readings, ties: Iterable[tuple[str, bool]], *, doubted: bool) -> Answer:
        """Return what a canonical name calls for; one that is doubted or not known also what its genus calls for."""
        by_text = self._by_text.get(name.casefold(), 0)
        listed = readings.get(name, ())
        own = [*listed, *(one for meant in meant_by_hand(name) for one in readings.get(meant, ()))]
        up, down, sure = by_text, 0, self._all
        for one in own:
            here = self._up(one)
            up, sure = up | here, sure & (here | by_text)
            # By hand an old name of a species may lead to its genus; the list says which species it is.
            if one in listed or not listed or one.rank == "SPECIES":
                down |= self._under.get(one.keys[-1], 0)
        for target, above in ties:
            up |= self._by_text.get(target.casefold(), 0)
            for one in readings.get(target, ()):
                up, down = up | self._up(one), down | (0 if above else self._under.get(one.keys[-1], 0))
        if doubted or not own:
            for one in (one for part in _prefixes(name) for one in readings.get(part, ()) if one.low):
                up, down = up | self._up(one), down | self._under.get(one.keys[-1], 0)
        low = not own or any(one.low for one in own)
        # A name that no list knows may be a rule's own: its presence goes out under it.
        taxon = own[0].accepted if own else name if by_text else None
        return Answer(bool(own), low, up, down, 0 if doubted or not own else sure, taxon)

    def _spoken(self, text: str, taxa: Iterable[str], readings: Readings, name: Answer) -> Answer:
        """Return what a text calls for that is a common name; one that only checklists have is not known by it."""
        up, down = name.up, name.down
        for taxon in taxa:
            up |= self._by_text.get(taxon.casefold(), 0)
            for one in readings.get(taxon, ()):
                up, down = up | self._up(one), down | self._under.get(one.keys[-1], 0)
        known = name.known or bool(meaning(text, bundled_common_names()))
        return Answer(known, name.known and name.low, up, down, 0, name.taxon, spoken=True)

    def _up(self, one: Reading) -> int:
        rules = 0
        for key in one.keys:
            rules |= self._own.get(key, 0)
        return rules

    def _read_groups(self, sets: pl.DataFrame) -> None:
        """Read the groups that sets of names state: where each may stand, and the rules of it and of what is above it."""
        told = {(name.removeprefix("s_"), text) for name in _GROUP_COLUMNS for text in sets[name].drop_nulls().unique()}
        new = told - self._stated.keys()
        readings = looked_up(text for _, text in new)
        for rank, text in new:
            found = [one for one in readings.get(text, ()) if one.rank == rank.upper()]
            rules = 0
            for one in found:
                rules |= self._up(one)
            self._stated[rank, text] = stands(rank, text, found), rules

    def _not_excluded(self, groups: tuple[tuple[str, str], ...], scope: str | None) -> tuple[int, str | None]:
        """Return the rules that stated groups and a scope do not exclude, and the lowest known group.

        Groups that contradict one another exclude no more than all of them do.
        """
        if (groups, scope) not in self._left:
            stated = [(name, found) for rank, name in groups if (found := self._stated[rank, name][0])]
            if scope is not None and (meant := looked_up([scope]).get(scope)):
                stated.insert(0, (scope, [with_opinions(one.groups, scope) for one in meant]))
            agree = all(may_be(one, other) for (_, one), (_, other) in combinations(stated, 2))
            every: Callable[[Iterable[bool]], bool] = all if agree or not stated else any
            left = sum(
                1 << number
                for number, lineages in self._lineages.items()
                if not lineages or every(may_be(lineages, found) for _, found in stated)
            )
            self._left[groups, scope] = left, stated[-1][0] if stated and agree else None
        return self._left[groups, scope]


@lru_cache(maxsize=8)
def resolver(
    rules: tuple[Rule, ...],
    checklists: Checklists | None,
    scopes: tuple[tuple[str, str], ...] = (),
    *,
    closed: bool = True,
) -> Resolver:
    """Return the resolver of some rules; the same object each time."""
    return Resolver(rules, checklists, dict(scopes), closed=closed)


def canonical(texts: pl.Series) -> pl.DataFrame:
    """Return the canonical names of texts: `value`, `name` (null for what is no name), `doubted`, `plain`; of a hybrid several rows.

    What is plain stands so in the reference list, with nothing behind it but its authors.

    Parameters
    ----------
    texts : polars.Series of str
    """
    told = texts.drop_nulls().unique().alias("value").to_frame()
    # "panthera tigris" and "PANTHERA TIGRIS"; a single small word may be of any language.
    small, text = pl.col("value").str.to_lowercase(), pl.col("value").str.strip_chars()
    one_case = (
        (pl.col("value") == small) | (pl.col("value") == pl.col("value").str.to_uppercase())
    ) & text.str.contains(" ")
    told = told.with_columns(
        text=pl.when(one_case).then(small.str.head(1).str.to_uppercase() + small.str.slice(1)).otherwise(text)
    )
    name = pl.col("text").str.extract(_NAME_AND_AUTHORS).str.replace(_MAY_JOIN, "")
    told = told.with_columns(name=name)
    known = reference_list().look_up(told["name"])["name"].unique()
    plain = told.filter(pl.col("name").is_in(known.implode())).select(
        "value", "name", doubted=pl.lit(value=False), plain=pl.lit(value=True)
    )
    rest = told.join(plain, on="value", how="anti")
    parts = parse_names(rest["text"]).select("canonical", "canonical_full", "issues")
    parts = pl.concat([rest.select("value"), parts], how="horizontal")
    hybrid = pl.col("issues").list.contains(Issue.HYBRID_FORMULA.value)
    torn = pl.col("issues").list.contains(Issue.PARSERS_DISAGREE.value)
    read = parts.select(
        "value",
        name=pl.when(hybrid)
        .then(pl.col("canonical_full").str.split(" × "))
        .otherwise(pl.concat_list(pl.when(~torn).then("canonical"))),
        doubted=pl.col("issues").list.set_intersection(pl.lit(_DOUBTS)).list.len() > 0,
        plain=pl.lit(value=False),
    )
    return pl.concat([plain, read.explode("name")])


def _distinct(records: pl.DataFrame, *, scoped: bool) -> tuple[pl.DataFrame, pl.Series]:
    """Return the distinct sets of names of records, blank ones as null, and the place of each record among them."""
    there = {name: pl.col(name) if name in records.columns else pl.lit(None) for name in COLUMNS}
    there["match_type"] = there["match_type"].is_not_null().cast(pl.String)
    there["datasetKey"] = there["datasetKey"] if scoped else pl.lit(None)
    told = records.select(column.cast(pl.String).alias(name) for name, column in there.items())
    distinct = told.unique(maintain_order=True).with_row_index("place")
    place = told.join(distinct, on=list(COLUMNS), how="left", nulls_equal=True, maintain_order="left")["place"]
    stated = distinct["stated_taxon"].str.json_decode(pl.Struct(dict.fromkeys(STATED_TAXON, pl.String))).struct.unnest()
    frame = pl.concat([distinct, stated.rename(lambda name: f"s_{name}")], how="horizontal")
    # What is not stated was filled from the checklist that the name was matched with.
    is_own = pl.col("stated_taxon").is_null() & (pl.col("match_type") == "false")
    species = pl.concat_str("genericName", "specificEpithet", separator=" ")
    chosen = {
        **{name: pl.col(name) for name in (*INTERPRETED, *_STATED_NAMES, "genus", "s_genus", "datasetKey")},
        **{name: pl.col(f"s_{name}") for name in WORDS},
        **{rank: pl.coalesce(f"s_{rank}", pl.when(is_own).then(rank)).str.to_titlecase() for rank in GROUPS},
    }
    whole = pl.concat_str(species, "infraspecificEpithet", separator=" ", ignore_nulls=True)
    chosen["parts"] = pl.when(species.is_not_null()).then(whole)
    made = frame.select(column.str.strip_chars().alias(name) for name, column in chosen.items())
    return made.with_columns(pl.when(pl.all() != "").then(pl.all())), place


def _pieces(text: str) -> list[str]:
    if text.isascii() and "(" not in text and "[" not in text:
        return []
    return [one.strip() for found in _PIECES.findall(text) for one in found if one.strip() and one.strip() != text]


def _prefixes(name: str) -> list[str]:
    """Return the genus of a name, and its species where it is below one."""
    words = name.split()
    return [" ".join(words[:n]) for n in range(1, len(words))]


def _of_both(one: Answer, other: Answer) -> Answer:
    """Return what a text calls for that names two taxa."""
    return Answer(one.known and other.known, one.low or other.low, one.up | other.up, one.down | other.down)


def _bits(mask: int) -> frozenset[int]:
    return frozenset(n for n in range(mask.bit_length()) if mask >> n & 1)

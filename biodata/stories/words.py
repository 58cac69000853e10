"""The words of a story on a terminal; nothing of a value can steer it."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from biodata.core import terms
from biodata.core.errors import shorten
from biodata.core.vocabularies import SharingCategory
from biodata.sharing.why import Step
from biodata.stories.story import How, Story, Use, Value, Version, plain_text

LONGEST: Final = 300
"""Characters of a value that are shown; `as_dict` has all."""
NOTHING: Final = "–"

_SECTIONS: Final = {
    "occurrenceID": "Identity", "basisOfRecord": "What it is", "scientificName": "Name", "eventDate": "When",
    "decimalLatitude": "Where", "recordedBy": "Who, and under what terms", "source_issues": "Doubts that came with it",
}  # fmt: skip
_NEVER_OUT: Final = frozenset(column.name for column in terms.OCCURRENCE if column.reach is terms.Reach.LAKE)
OF_MATCH: Final = frozenset(
    {"match_type", "match_confidence", "match_note", "match_alternatives", "checklist", "taxon_id", "col_key"}
)
# C0 and C1 controls, marks that turn the direction of text, line and paragraph separators, surrogates, tags.
_STEERING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_WHITE: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")


def clean(value: Any) -> str:
    """Return a value as text that cannot steer a terminal: controls become visible, line breaks a space."""
    stated = f"{value:.10g}" if isinstance(value, float) else plain_text(value) or ""
    text = _WHITE.sub(" ", shorten(stated, LONGEST))
    return _STEERING.sub(lambda match: f"‹U+{ord(match[0]):04X}›", text)


def sections(story: Story) -> Iterable[tuple[str, list[Value]]]:
    """Yield the values by what they are about; those of the match with the checklist are distinguished."""
    by_column = {value.column: value for value in story.interpreted if value.column not in OF_MATCH}
    heading, values = "", list[Value]()
    for name in terms.names(terms.OCCURRENCE):
        if name in _SECTIONS:
            if values:
                yield heading, values
            heading, values = _SECTIONS[name], []
        if name in by_column:
            values.append(by_column[name])
    if values:
        yield heading, values


def unchanged_terms(story: Story) -> frozenset[str]:
    """Return the terms whose text is a value of the same name."""
    return frozenset(
        value.column for value in story.interpreted if value.how is How.AS_TOLD and value.column in value.told
    )


def how(value: Value, shown: Collection[str] = ()) -> str:
    """Say how a value came about; the text of terms that are shown elsewhere is not stated again."""
    stated = ", ".join(term if term in shown else f"{term} “{clean(text)}”" for term, text in value.told.items())
    columns = _named(value.worked_out_from)
    match value.how:
        case How.AS_TOLD:
            return "as told" if value.column in value.told else f"as told in {', '.join(value.told)}"
        case How.WORKED_OUT:
            return f"from {columns}" + (f"; told: {stated}" if stated else "")
        case How.NO_VALUE | How.PROPOSED:
            return f"{stated} gave no value" if stated else "nothing was told"
        case _:
            source = f" from {stated or columns}" if stated or columns else ""
            source = f" instead of {stated}" if stated and columns else source
            return f"{value.how} by {uses(value.rules)}{source}"


def _named(columns: Sequence[str]) -> str:
    """Name the columns that a value comes from."""
    text = " and ".join(columns)
    return text.replace("decimalLatitude and decimalLongitude", "the coordinates")


def uses(rules: Iterable[Use]) -> str:
    """Name rules with their versions, and what they did."""
    return " and ".join(f"{rule.name} {versions(rule)}" + (f" ({clean(rule.detail)})" if rule.detail else "") for rule in rules)  # fmt: skip


def versions(rule: Use) -> str:
    """Return a rule's version, and today's where it is another."""
    if rule.today is None:
        return f"v{rule.version}, a rule that is no more" if rule.version else "(a rule that is no more)"
    if rule.version is None:
        return f"(today v{rule.today})"
    return f"v{rule.version}" if rule.version == rule.today else f"v{rule.version}, today v{rule.today}"


def heading(story: Story) -> list[str]:
    """Say which record it is and where it came from."""
    identity, dataset = story.identity, story.dataset
    title = (
        f"{clean(dataset['title'])} ({clean(identity['datasetKey'])})"
        if "title" in dataset
        else clean(identity["datasetKey"])
    )
    lines = [f"Dataset {title}"]
    terms_of_use = [f"licence {clean(dataset['license'])}"] if "license" in dataset else []
    terms_of_use += [f"cite: {clean(dataset['citation'])}"] if "citation" in dataset else []
    terms_of_use += [f"doi {clean(dataset['doi'])}"] if "doi" in dataset else []
    lines += ["; ".join(terms_of_use)] if terms_of_use else []
    lines.append(
        f"Read from {clean(identity['source_file'])}, row {clean(identity['source_row'])}, "
        f"where {clean(identity['source_record_id'])} identifies it"
    )
    if story.gone:
        lines.append("It is no more in the lake: this is its last version.")
    return lines


def name_match(story: Story) -> list[str]:
    """Say what the checklist made of the name."""
    match = story.name_match
    if not match:
        return ["Names were not resolved when the record was interpreted: the name stands as stated."]
    lines = [f"{match['match_type']}, confidence {match.get('match_confidence', '-')} of 100"]
    lines[0] += f": {clean(match['match_note'])}" if match.get("match_note") else ""
    if "checklist" in match:
        taxon = f"taxon {clean(match['taxon_id'])}" if "taxon_id" in match else "its taxa have no identifiers"
        lines.append(f"Checklist {clean(match['checklist'])}: {taxon}")
    lines += [f"Could also be {clean(other)}" for other in match.get("match_alternatives") or ()]
    return lines


def assessment(story: Story) -> list[str]:
    """Say what only the other records tell."""
    found = story.assessment
    if not found:
        return []
    lines = []
    if found.get("cluster_id") == story.key:
        lines.append("It represents a cluster of records that may tell of the same thing")
    elif found.get("cluster_id") is not None:
        lines.append(f"It is in a cluster of records that record {found['cluster_id']} represents")
    return [*lines, *(clean(reason) for reason in found.get("cluster_reasons") or ())]


def sharing(story: Story) -> list[str]:
    """Say what goes out, before the table of what differs."""
    stated_sharing = story.sharing
    if stated_sharing.rule is None:
        lines = ["No sharing rule applies: the record is open."]
    else:
        lines = [
            f"{_category_text(stated_sharing.category)} by the sharing rule {clean(stated_sharing.rule)}: {clean(stated_sharing.reason)}"
        ]
    lines += [_step(step) for step in stated_sharing.chain if not step.decides]
    if stated_sharing.release is None:
        return [*lines, "There is no release yet: nothing of it has gone out."]
    last = story.history[-1].snapshot
    if stated_sharing.published is None:
        why = "it is withheld" if stated_sharing.category == "withheld" else "it is in none that was made so far"
        why = (
            "the release is older than the record"
            if (stated_sharing.release_snapshot or 0) < story.history[0].snapshot
            else why
        )
        return [*lines, f"The current release {stated_sharing.release} does not have it: {why}."]
    if (stated_sharing.release_snapshot or 0) < last:
        lines.append("The current release was made before the last version of the record: it shows an older one.")
    went = clean(stated_sharing.published.get("sharing_category"))
    if went != stated_sharing.category:
        lines.append(f"It went out as {went}; the next release follows today's rules.")
    rest = ", but for what follows" if otherwise(story) else ""
    lines.append(f"In the current release {stated_sharing.release} it stands as above{rest}.")
    out = [name for name, inside, outside in stated_sharing.differences if outside in (None, [])]
    inside_only = [name for name in out if name in _NEVER_OUT]
    if left_out := [name for name in out if name not in _NEVER_OUT]:
        lines.append(f"Left out: {', '.join(left_out)}")
    return [*lines, f"Never leaves the lake: {', '.join(inside_only)}"] if inside_only else lines


def _step(step: Step) -> str:
    """Say what a rule that does not decide would do."""
    whose = f" of {clean(step.source)}" if step.source else ""
    said = f"The rule {clean(step.rule_id)}{whose} may apply too: {step.category}"
    if step.replaced:
        return f"{said}; {clean(step.owner)} consented to the looser rule"
    if step.without_consent:
        return f"{said}; it does not act without the consent of {', '.join(clean(o) for o in step.without_consent)}"
    return said


def otherwise(story: Story) -> list[tuple[str, Any, Any]]:
    """Return what goes out otherwise than it is inside, or is added; what goes out of no record is left aside."""
    said = ("sharing_category", "sharing_rule")
    return [entries for entries in story.sharing.differences if entries[2] not in (None, []) and entries[0] not in said]


def _category_text(category: str) -> str:
    """Say what a category lets out."""
    degrees = SharingCategory(category).cell_degrees
    return f"{category} (a cell of {degrees:g}° for a place)" if degrees else f"{category} (nothing goes out)"


def version_words(version: Version) -> str:
    """Say when and by what a version came."""
    words = {
        "new": "taken in", "changed": "changed", "gone": "removed", "back": "came back",
        "emptied": "changed by what was taken back since",
    }[version.what]  # fmt: skip
    text = f"{plain_text(version.time)}, lake version {version.snapshot}: {words} by {clean(version.message or version.author)}"
    if version.source_file is not None:
        text += f", row {version.source_row}"
    text += (
        f"; declared: {', '.join(f'{clean(n)}={clean(v)}' for n, v in version.declared.items())}"
        if version.declared
        else ""
    )
    text += "".join(f"; {clean(name)} {clean(value)}" for name, value in version.notes.items())
    if (
        version.what == "changed"
        and version.changes
        and all(change.layer == "interpreted" for change in version.changes)
    ):
        text += "; the same row, interpreted anew"
    newer = [f"{clean(name)} v{before or '–'} → v{after}" for name, (before, after) in version.newer_rules.items()]
    text += f"; other rules than before: {', '.join(newer)}" if newer else ""
    return text + (f"; biodata {clean(version.biodata)}" if version.biodata else "")


def value_rows(values: Iterable[Value], shown: Collection[str]) -> list[tuple[str, ...]]:
    """Return the rows of values: the column, the value, how it came about; its proposals below.

    Parameters
    ----------
    values : iterable of Value
        The values.
    shown : collection of str
        Terms whose text stands elsewhere in the story.
    """
    rows: list[tuple[str, ...]] = []
    for value in values:
        rows.append((value.column, clean(value.value) or NOTHING, how(value, shown)))
        rows += [
            ("", clean(proposal.value), f"proposed, not applied: {uses(proposal.rules)}")
            for proposal in value.proposals
        ]
    return rows


def doubt_rows(story: Story) -> list[tuple[str, ...]]:
    """Return the rows of doubts: the flag; its meaning, the reason, the tests that ask for the same."""
    return [
        (
            clean(doubt.name),
            doubt.meaning
            + (f" {clean(doubt.details)}." if doubt.details else "")
            + (f" BDQ: {', '.join(doubt.bdq)}." if doubt.bdq else ""),
        )
        for doubt in story.doubts
    ]


def rule_rows(story: Story) -> list[tuple[str, ...]]:
    """Return the rows of the rules that the story names: the name, the meaning with its source."""
    named = [
        use
        for value in story.interpreted
        if value.column not in OF_MATCH
        for use in (*value.rules, *(use for proposal in value.proposals for use in proposal.rules))
    ]
    rules = {use.name: use for use in named}.values()
    return [
        (use.name, f"{use.meaning} ({use.source})" if use.meaning else "no longer among the rules") for use in rules
    ]


def _changed(name: str, before: Any, after: Any) -> tuple[str, str, str]:
    """Return the row of what is other than it was."""
    return name, clean(before) or NOTHING, f"→ {clean(after) or NOTHING}"


WIDTH: Final = 100


def _chapters(story: Story) -> Iterator[tuple[str, Sequence[str], Sequence[tuple[str, ...]]]]:
    """Yield the chapters of a story: heading (empty where it goes on with the one before), sentences, rows of a table."""
    yield "", heading(story), ()
    shown = unchanged_terms(story)
    for name, values in sections(story):
        yield name, (), value_rows(values, shown)
        if name == "Name":
            yield "Match with the checklist", name_match(story), ()
    if story.also_told:
        yield "Also told, kept as it came", (), [(clean(name), clean(text)) for name, text in story.also_told.items()]
    yield "Doubts" if story.doubts else "No doubts", (), doubt_rows(story)
    if found := assessment(story):
        yield "Beside the other records", found, ()
    yield "What goes out", sharing(story), [_changed(*one) for one in otherwise(story)]
    yield "Versions", (), ()
    for version in story.history:
        named = [
            (one.column if one.layer == "interpreted" else f"{one.column} as told", one) for one in version.changes
        ]
        yield "", [version_words(version)], [_changed(name, one.before, one.after) for name, one in named]
    if rules := rule_rows(story):
        yield "Rules", (), rules


def as_text(story: Story, *, width: int = WIDTH) -> str:
    """Return a story as lines of at most `width` cells (40 at least), wrapped, wide characters counted as two."""
    width, out = max(width, 40), StringIO()
    console = Console(
        file=out, width=width, color_system=None, highlight=False, markup=False, emoji=False, legacy_windows=False
    )
    console.print(Text(f"Record {story.key}"))
    for name, lines, rows in _chapters(story):
        if name:
            console.print(Text(f"\n{name.upper()}"))
        if lines:
            console.print(_grid([(line,) for line in lines], width, widest=0))
        if rows:
            grid = _grid(rows, width, widest=44 if name == "Doubts" else 30)
            console.print(Padding(grid, (0, 0, 0, 2)))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _grid(rows: Sequence[tuple[str, ...]], width: int, *, widest: int) -> Table:
    """Return rows in columns; the first is as wide as it needs to be, up to `widest`."""
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    limits = [min(widest, width // 3), *[max(width // 3, 12)] * (len(rows[0]) - 2)] if len(rows[0]) > 1 else []
    for limit in limits:
        table.add_column(overflow="fold", max_width=limit)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table

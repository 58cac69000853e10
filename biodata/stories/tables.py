"""The tables of a story, as rows of text."""

from collections.abc import Collection, Iterable

from biodata.stories import phrases
from biodata.stories.parts import Change, Value
from biodata.stories.story import Story


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
        rows.append((value.column, phrases.clean(value.value) or phrases.NOTHING, phrases.how(value, shown)))
        rows += [
            ("", phrases.clean(proposal.value), f"proposed, not applied: {phrases.uses(proposal.rules)}")
            for proposal in value.proposals
        ]
    return rows


def told_rows(story: Story) -> list[tuple[str, ...]]:
    """Return the rows of what is kept as it came: the heading and the text."""
    return [(phrases.clean(name), phrases.clean(text)) for name, text in story.also_told.items()]


def doubt_rows(story: Story) -> list[tuple[str, ...]]:
    """Return the rows of doubts: the flag; its meaning, the reason, the tests that ask for the same."""
    return [
        (
            phrases.clean(doubt.name),
            doubt.meaning
            + (f" {phrases.clean(doubt.details)}." if doubt.details else "")
            + (f" BDQ: {', '.join(doubt.bdq)}." if doubt.bdq else ""),
        )
        for doubt in story.doubts
    ]


def difference_rows(story: Story) -> list[tuple[str, ...]]:
    """Return the rows of what goes out otherwise, or is added: the column, inside, outside."""
    return [
        (name, phrases.clean(inside) or phrases.NOTHING, f"→ {phrases.clean(outside)}")
        for name, inside, outside in phrases.otherwise(story)
    ]


def rule_rows(story: Story) -> list[tuple[str, ...]]:
    """Return the rows of the rules that the story names: the name, the meaning with its source."""
    named = [
        use
        for value in story.interpreted
        if value.column not in phrases.OF_MATCH
        for use in (*value.rules, *(use for proposal in value.proposals for use in proposal.rules))
    ]
    rules = {use.name: use for use in named}.values()
    return [
        (use.name, f"{use.meaning} ({use.source})" if use.meaning else "no longer among the rules") for use in rules
    ]


def change(told: Change) -> tuple[str, str, str]:
    """Return what changed: the column, before, after."""
    column = told.column if told.layer == "interpreted" else f"{told.column} as told"
    return column, phrases.clean(told.before) or phrases.NOTHING, f"→ {phrases.clean(told.after) or phrases.NOTHING}"

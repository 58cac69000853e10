"""Refusals of the routes of surveys are told in the reader's language."""

import ast
from pathlib import Path

import pytest

import biodata.surveys
from biodata.surveys.words.sentences import retold
from english_left import OTHERS, english_in

SOURCES = [
    Path(biodata.surveys.__file__).with_name(f"{name}.py") for name in ("review", "history", "submit", "withdrawing")
]


def problems():
    """Return the sentences that the review refuses with."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and "problem" in ast.dump(node.targets[0]):
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                yield from (one.value for one in values if isinstance(one, ast.Constant) and " " in str(one.value))


@pytest.mark.parametrize("language", OTHERS)
def test_every_refusal_of_the_review_has_words(language):
    said = list(problems())
    assert len(said) > 8
    assert [one for one in said if retold(one, language) == one] == []


@pytest.mark.parametrize(
    "sentence",
    ["it is published", "a reviewer of LA, CN", "language='fr' cannot be used", "one of en, zh, th", "snared; few left",
     "none of your roles lets you review a submission here", "there is no parameter called 'tongue' here", "at most 4,000 characters and 200 questions"],
)  # fmt: skip
@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_a_refusal(sentence, language):
    assert english_in(retold(sentence, language), language, ("language", "tongue", "fr")) == []

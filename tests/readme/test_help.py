"""`--help`: every command has an example, every example stands in a story, every story runs on the demo."""

from pathlib import Path
from typing import Final

import pytest
from help_examples import examples, story_commands

STORIES: Final = sorted((Path(__file__).parent / "stories").glob("*.sh"))


def test_every_command_has_an_example():
    assert [name for name, lines in examples().items() if not lines] == []


def test_every_example_stands_in_a_story_word_for_word():
    run = set().union(*(story_commands(story) for story in STORIES))
    assert [line for lines in examples().values() for line in lines if line not in run] == []


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_a_story_runs_on_the_demo(story, run):
    run(story.read_text(encoding="utf-8"), fork=True)

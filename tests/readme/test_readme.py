"""README: short, its links lead somewhere, and every command block of it runs."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
TESTS: Final = "pip install uv && uv run pytest\n"


def test_it_is_at_most_12_kb():
    assert len(README.encode()) <= 12_000


def test_it_has_no_command_block_in_another_dress():
    assert set(re.findall(r"^```(\w*)$", README, flags=re.MULTILINE)) == {"sh", ""}
    assert TESTS in BLOCKS


def test_every_link_within_the_project_leads_to_a_file():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_every_folder_of_the_map_of_packages_is_there():
    rows = re.findall(r"^\| (`.+?) \|", README, flags=re.MULTILINE)
    for folder in re.findall(r"`([^`]+)`", " ".join(rows)):
        assert any((ROOT / place / folder).exists() for place in ("", "biodata")), folder


@pytest.mark.timeout(1200)
def test_every_command_block_runs_in_turn(run):
    printed = run("".join(block for block in BLOCKS if block != TESTS), with_demo=False, any_port=False)
    assert '"counts":[]' not in printed, "a search of the README finds nothing"

"""The examples that `--help` shows, and the commands that the stories run."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import typer

_RUNS_BESIDE = re.compile(r"(\s*&|\s*\|\|\s.*|\s+#.*)$")


def examples() -> dict[str, list[str]]:
    """Return the examples of every command, by the command's name."""
    from biodata.cli import app

    found: dict[str, list[str]] = {}
    for name, command in _commands(typer.main.get_command(app), "biodata"):
        lines = [line.strip() for line in (command.help or "").splitlines()]
        begun = [re.sub(r"^Examples?:\s*", "", line) for line in lines]
        found[name] = [line for line in begun if line.startswith("biodata ")]
    return found


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    subcommands = getattr(command, "commands", None) or {}
    if not subcommands:
        yield name, command
    for word, subcommand in subcommands.items():
        yield from _commands(subcommand, f"{name} {word}")


def story_commands(story: Path) -> set[str]:
    """Return a story's commands as a help would show them: `$ID` is ID, what only the story needs is cut off."""
    lines = (line.strip() for line in story.read_text(encoding="utf-8").splitlines())
    return {re.sub(r"\$([A-Z]+)\b", r"\1", _RUNS_BESIDE.sub("", line)) for line in lines}

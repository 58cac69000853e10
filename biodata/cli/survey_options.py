"""Options that the commands of surveys share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from biodata.cli.options import settings_for
from biodata.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from biodata.access.roles import Principal
    from biodata.settings import Settings
    from biodata.sharing import RuleSet
    from biodata.store.registry import Registry
    from biodata.surveys.licences import OfDataset

LanguageOption = Annotated[
    str, typer.Option(help="Language of the answer: en, zh, th, vi, lo, km, my, ms, id or fil.", envvar="BIODATA_LANGUAGE")
]  # fmt: skip
AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", help="Proposals to take: a code, CODE=value of one cell's text, or heading.HEADING=TERM; may be repeated."
    ),
]  # fmt: skip
LicenceOption = Annotated[
    str | None, typer.Option("--license", help="Licence of what tells none in the file: CC0 1.0, CC BY 4.0 or CC BY-NC 4.0.")
]  # fmt: skip
EncodingOption = Annotated[str | None, typer.Option(help="Of text, such as gb18030 or tis-620.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
NumberArgument = Annotated[int, typer.Argument(help="The survey's number.", min=1)]
AccountOption = Annotated[str, typer.Option("--account", help="As whom: the name of an account with the role for it.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Key of the dataset.")]


class Opened(NamedTuple):
    """An installation that a command works on, and the language of its answers."""

    settings: "Settings"
    registry: "Registry"
    language: str


@contextmanager
def opened(settings: "Settings", language: str) -> "Iterator[Opened]":
    """Open the registry of an installation for a command that answers in a language."""
    from biodata.store.registry import Registry

    language = language_told(language)
    with Registry.open(settings) as registry:
        yield Opened(settings, registry, language)


def who_is(registry: "Registry", account: str, language: str) -> "Principal":
    """Return who an open account is; where none is named, or there is none of this name, it is told in the language."""
    from biodata.access import accounts
    from biodata.surveys import words

    found = accounts.find(registry, account) if account else None
    if found is None:
        problem, expected = words.told("ACCOUNT_UNKNOWN" if account else "ACCOUNT_NEEDED", {}, language)
        raise InputError(problem, column="--account", value=account or None, expected=expected, code="ACCOUNT_MISSING")
    return found


def language_told(told: str) -> str:
    """Return the language of a tag such as `lo` or `zh-TW`; one that is none of the ten is refused."""
    from biodata.surveys import words

    language = words.language_of(told)
    if language is None:
        problem, expected = "there are no words in this language", f"one of {', '.join(words.LANGUAGES)}"
        raise InputError(problem, column="--language", value=told, expected=expected, code="LANGUAGE_UNKNOWN")
    return language


def kept_of_dataset(data: Path, dataset: str | None) -> "tuple[OfDataset, list[str]]":
    """Return what is known of a dataset: its licence, and what was accepted for it; nothing before there is one."""
    from biodata.store.heading_mappings import accepted_of
    from biodata.store.registry import Registry
    from biodata.surveys.licences import NONE_KNOWN, of_dataset

    if dataset is None or not data.is_dir():
        return NONE_KNOWN, []
    with Registry.open(settings_for(data)) as registry:
        return of_dataset(registry, dataset), accepted_of(registry, dataset)


def known_rules(data: Path) -> "tuple[RuleSet | None, pl.DataFrame | None]":
    """Return an installation's sharing rules and its checklists; nothing where there is no installation yet."""
    if not (data / "lake").is_dir():
        return None, None
    from biodata.store.lake import Lake
    from biodata.surveys.notices import rules_and_taxa

    settings = settings_for(data)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return rules_and_taxa(settings, lake)


def no_folders(files: Sequence[Path], language: str) -> None:
    """See that no file is a folder, such as a package that was unzipped."""
    from biodata.surveys import words

    for file in files:
        if file.is_dir():
            problem, expected = words.told("FOLDER_NOT_ZIPPED", {}, language)
            raise InputError(problem, file=str(file), expected=expected, code="INPUT_FORMAT")

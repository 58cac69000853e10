"""`biodata` as a person runs it, inside this process: an interpreter of its own would take longer than most commands."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from biodata.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Done:
    """Run one command from its words to its exit code."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["biodata", *map(str, arguments)])
        patch.setenv("_RJEM_MALLOC_CONF", "")  # `main` sets it where it is absent, and it would stay
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Done(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())

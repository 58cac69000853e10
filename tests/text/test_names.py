"""The names that a notebook uses."""

import subprocess
import sys

import pytest

import biodata


@pytest.mark.parametrize("name", biodata.__all__)
def test_each_name_is_there_even_after_every_module_was_loaded(name):
    import biodata.pipeline
    import biodata.runs

    assert callable(getattr(biodata, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        biodata.nonsense  # noqa: B018


def test_importing_it_loads_nothing_else():
    code = "import sys, biodata; print(sorted(m for m in sys.modules if m.startswith('biodata')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=280)
    assert done.stdout.strip() == "['biodata']"

"""Make the synthetic sample data anew: `uv run python sample_data/make.py [--out FOLDER]`."""

import argparse
from pathlib import Path

from recipe import (
    archive,
    area_files,
    camtrap,
    files,
    gbif,
    layers,
    lists,
    machine_forms,
    patrols,
    planning,
    readme,
    workbooks,
)
from tqdm.auto import tqdm


def main() -> None:
    """Write every file; two runs give the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    subjects = (area_files, layers, lists, workbooks, camtrap, machine_forms, patrols, planning)
    for subject in tqdm(subjects, unit="subject", disable=None):
        subject.make(out)
    planted = [*gbif.make(out), *archive.make(out)]
    files.write_json(out / "planted_dirt.json", planted)
    readme.make(out, planted)


if __name__ == "__main__":
    main()

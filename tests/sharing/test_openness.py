"""What goes out coarser than its name asks is counted by reason, with what would open it."""

import json

import pytest
from typer.testing import CliRunner

from biodata import pipeline
from biodata.cli import app
from biodata.core.errors import NoReleaseError
from biodata.core.settings import Settings

HEADING = "occurrenceID\tscientificName\tdecimalLatitude\tdecimalLongitude\teventDate\tcountryCode\tclass\n"
ROWS = [
    "g1\tNomascus leucogenys\t22.91837\t106.50213\t2024-03-05\tVN\tMammalia\n",
    "g2\tNomascus leucogenys\t22.21837\t103.50213\t2024-03-05\tVN\tMammalia\n",
    "m1\tMuntiacus muntjak\t21.04312\t101.30177\t2024-03-06\tLA\tMammalia\n",
    "m2\tMuntiacus muntjakk\t21.14312\t101.40177\t2024-03-06\tLA\t\n",
    "m3\tMuntiacus muntjakk\t21.24312\t101.40177\t2024-03-06\tLA\t\n",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("openness")
    path = folder / "records.csv"
    path.write_text(HEADING + "".join(ROWS), encoding="utf-8")
    made = Settings(data=folder / "data", memory_limit="500MB")
    with pytest.raises(NoReleaseError):
        pipeline.openness(made)
    pipeline.ingest("gbif", [path], made)
    pipeline.release(made)
    return made


def test_a_name_that_no_list_knows_is_told_with_what_opens_it(settings):
    found = pipeline.openness(settings)
    (row,) = found.datasets.to_dicts()
    assert (row["records"], row["open"], row["as_asked"], row["name unknown"]) == (5, 1, 2, 2)
    assert sum(row[name] for name in pipeline.REASONS) == 2
    told = {remedy: n for _, remedy, n in found.remedies.iter_rows()}
    assert told["mend or confirm the name Muntiacus muntjakk"] == 2


def test_the_command_tells_it(settings):
    told = CliRunner().invoke(app, ["audit", "openness", "--data", str(settings.data)])
    assert told.exit_code == 0, told.output
    assert "2 of 5 records are coarser than a rule that names their taxon asks" in told.stdout
    found = CliRunner().invoke(app, ["audit", "openness", "--data", str(settings.data), "--json"])
    assert json.loads(found.stdout) == pipeline.openness(settings).as_dict()

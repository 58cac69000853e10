"""A file that is handed in is read once for all that its job asks of it, and once more where what it is read by has changed."""

import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.store.account_models import Withdrawal
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.surveys import sides
from biodata.surveys.difference import difference, difference_of, of_upload
from biodata.surveys.process import UploadReading
from survey_versions import FIRST, FIRST_EVENTS, save

HEADING = "scientificName,eventDate,decimalLatitude,decimalLongitude\n"
ROWS = "Muntiacus muntjak,03/04/2024,20.9,101.3\n" * 2 + "Rusa unicolor,25/04/2024,22.0,100.8\n"


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data", memory_limit="500MB")


def changes(reading, read, submission):
    brought = of_upload(read, submission.dataset)
    return difference_of(brought, reading.lake, submission.dataset, submission.part)


def test_it_is_read_again_only_where_something_changed(settings, tmp_path):
    path, submission = (
        save(tmp_path / "a.xlsx", FIRST, FIRST_EVENTS),
        Submission(id=1, dataset="nam-ha", part="March"),
    )
    with Lake.open(settings.data) as lake, UploadReading(settings, lake) as reading:
        read = reading.read(submission, path)
        found = changes(reading, read, submission)
        assert found["occurrences"].counts()["new"] == len(FIRST)
        assert reading.read(submission, path) is read
        pipeline.ingest("survey", [path], settings, dataset="nam-ha", part="March")
        read = reading.read(submission, path)
        assert changes(reading, read, submission)["occurrences"].counts()["unchanged"] == len(FIRST)
        assert reading.read(submission, path) is read
        with Registry.open(settings) as registry, registry.session() as session, session.begin():
            session.add(Withdrawal(kind="dataset", subject="nam-ha", reason="x", by="x", records=6, purged={}))
        again = reading.read(submission, path)
        assert again is not read
        assert (len(read.tables[-1].report.refusals), len(again.tables[-1].report.refusals)) == (0, len(FIRST))
        assert sides.countries(again) == {"LA"}, "whose sides are asked follows from the file"


def test_a_table_that_is_read_twice_for_the_order_of_its_dates_counts_once(settings, tmp_path):
    path, submission = tmp_path / "a.csv", Submission(id=1, dataset="nam-ha", part="March")
    path.write_text(HEADING + ROWS)
    with Lake.open(settings.data) as lake, UploadReading(settings, lake) as reading:
        plain = difference([path], "nam-ha", "March", settings)
        read = reading.read(submission, path)
        (table,) = read.tables
        assert any("day" in note for note in table.report.notes), "the control: it was read twice"
        again = changes(reading, read, submission)
        found = {name: one.as_dict() for name, one in again.items()}
        assert found == {name: one.as_dict() for name, one in plain.items()}
        assert plain["occurrences"].counts()["new"] == 3

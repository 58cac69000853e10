"""A release is of the version of the lake whose records were looked at, whatever comes while it is made."""

import releases as fixture
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.pipeline import releasing
from biodata.store import releases
from cited_records import BULBUL, OPEN_RULES, ROWS, change, record
from rule_files import put_rules


def test_what_comes_while_a_release_is_made_waits_for_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path)
    put_rules(tmp_path, OPEN_RULES)
    change(tmp_path, ROWS)
    look = releasing.rules_in_force

    def slowly(*args, **more):
        found = look(*args, **more)
        change(tmp_path, [record(98, BULBUL, "walks")])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(releasing, "rules_in_force", slowly)
        made = pipeline.release(settings)
    assert releases.read(made, "occurrences").height == len(ROWS), "which records a new one ties was not looked at"
    assert releases.read(pipeline.release(settings), "occurrences").height == len(ROWS) + 1

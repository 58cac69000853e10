"""The service's own user cannot read which event carries a label; what it serves follows the release's rules then."""

from pathlib import Path

import pytest

from api import rules_today as asked
from biodata.errors import InputError
from biodata.sharing import LABELS_NAME, RuleSet

RULES = "rule_id,scientificName,category,reason\nelephants,Elephas maximus,withheld,hunted\n"


@pytest.fixture
def rules(tmp_path) -> Path:
    (tmp_path / "sharing_rules.csv").write_text(RULES)
    (tmp_path / LABELS_NAME).write_text("label,dataset\nTK-SS,village\n")
    return tmp_path / "sharing_rules.csv"


def test_labels_that_this_process_may_not_read_make_the_hash_unknown_and_no_error(rules, monkeypatch):
    whole = asked.rules_today(rules)
    assert whole == RuleSet.read(rules).hash
    read = Path.read_text

    def closed(path, *args, **more):
        if path.name == LABELS_NAME:
            raise PermissionError(13, "closed")
        return read(path, *args, **more)

    asked._hash.cache_clear()
    monkeypatch.setattr(Path, "read_text", closed)
    assert asked.rules_today(rules) is None
    assert [rule.rule_id for rule in RuleSet.read(rules, beside=False).rules] == ["elephants"]
    asked._hash.cache_clear()


def test_labels_that_are_wrong_are_an_error_still(rules):
    rules.with_name(LABELS_NAME).write_text("label,dataset\nTK-NONE,village\n")
    with pytest.raises(InputError, match="no label"):
        asked.rules_today(rules)

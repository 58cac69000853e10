"""A dataset is a set of parts: after any steps it is what plain pandas makes of the files that are current, and so is each state."""

import random
import zipfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import appointed
from biodata.access import accounts, purges
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store import survey_steps
from biodata.store.lake import Lake
from biodata.store.models import Release, Submission
from biodata.store.query.filters import And, Compare
from biodata.store.registry import Registry
from biodata.store.verify import verify
from biodata.surveys import process, receive, review, submit, words
from biodata.surveys.difference import compare, of_lake_records
from biodata.surveys.submit import Sent
from zips import zip_of

COLUMNS = ["occurrenceID", "eventDate", "scientificName", "individualCount", "decimalLatitude", "decimalLongitude"]
WRITTEN = ["eventDate", "scientificName", "individualCount", "decimalLatitude", "decimalLongitude"]
SPECIES = ("Muntiacus muntjak", "Rusa unicolor", "Sus scrofa", "Macaca mulatta")
KEY = ["eventDate", "scientificName", "decimalLatitude", "decimalLongitude", "turn"]
"""Station, time, taxon and place among equals: what a row without an identifier is known by."""


def archive(rows: pd.DataFrame) -> bytes:
    """Return rows as a Darwin Core Archive, in which no column identifies them."""
    terms = "".join(
        f'<field index="{at}" term="http://rs.tdwg.org/dwc/terms/{name}"/>' for at, name in enumerate(rows.columns)
    )
    meta = (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="http://rs.tdwg.org/dwc/terms/Occurrence" '
        'encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1">'
        f"<files><location>occurrence.csv</location></files>{terms}</core></archive>"
    )
    members = {"meta.xml": meta, "occurrence.csv": rows.to_csv(index=False)}
    return zip_of([(zipfile.ZipInfo(name), text) for name, text in members.items()])


class Team:
    """An installation where nobody reviews and no release is made, with people who send to one dataset each."""

    def __init__(self, folder: Path, registry: Registry, settings: Settings) -> None:
        self.folder, self.registry, self.settings = folder, registry, settings

    def lake(self) -> AbstractContextManager[Lake]:
        return Lake.open(self.settings.data)

    def person(self, dataset: str, name: str = "") -> accounts.Principal:
        appointed.new(self.registry, name or dataset, roles=[RoleBinding(Role.UPLOADER, dataset=dataset)])
        return accounts.find(self.registry, name or dataset)

    def send(self, who, part: str, rows: pd.DataFrame, dataset: str | None = None) -> int:
        name, content = f"{part}.csv", rows.to_csv(index=False).encode()
        if "occurrenceID" not in rows:
            name, content = f"{part}.zip", archive(rows)
        sent = Sent(part=part)
        number = receive(self.settings, self.registry, content, name, sender=who, dataset=dataset, sent=sent)
        process(self.settings, self.registry, number)
        return number

    def remove(self, who, number: int) -> int:
        made = submit.remove(self.settings, self.registry, who, number)
        process(self.settings, self.registry, made)
        return made

    def restore(self, who, number: int) -> int:
        made = submit.restore(self.registry, who, number)
        process(self.settings, self.registry, made)
        return made

    def look(self, number: int, who=None) -> dict:
        return review.look(self.registry, who, number)

    def release(self) -> None:
        """Put down that a release was made of what the lake has now."""
        with self.lake() as lake:
            snapshot = lake.snapshot()
        with self.registry.session() as session, session.begin():
            made = f"release {session.query(Release).count()}"
            session.add(Release(id=made, snapshot=snapshot, rules_hash="-", counts={}))

    def rows(self, dataset: str) -> pd.DataFrame:
        names = ["key", "dataset_part", "source_record_id", "source_row", *(f"v_{name}" for name in WRITTEN)]
        with self.lake() as lake:
            found = lake.read("verbatim", where=Compare("datasetKey", "=", dataset))
        found = found.select(names).rename({f"v_{name}": name for name in WRITTEN})
        return found.rename({"dataset_part": "part", "source_record_id": "occurrenceID"}).to_pandas()


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    settings = Settings(data=folder / "data", memory_limit="500MB", survey_review="not_required")
    with Registry.open(settings) as registry:
        yield Team(folder, registry, settings)


@pytest.fixture
def rows(tmp_path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    with Registry.open(settings) as registry, Lake.open(settings.data) as lake:
        yield Rows(tmp_path, registry, settings, lake)


class Oracle:
    """What the files say: versions by part, each a frame or None where it removes the part."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.made = chance, 0
        self.parts: dict[str, list[tuple[int, pd.DataFrame | None]]] = {"cameras": [], "walks": [], "unnamed": []}
        self.released = -1  # versions that the map shows are those whose step is at most this
        self.steps: dict[int, int] = {}
        self.changed = 0  # the last step that changed a row: a version that changes none is shown as soon as it is in

    def rows(self, part: str, count: int) -> pd.DataFrame:
        rows = []
        for _ in range(count):
            self.made += 1
            name = None if part == "unnamed" else f"{part}-{self.made}"
            day, where = self.chance.randint(1, 3 if name is None else 28), self.chance.randint(1, 3)
            rows.append([name, f"2026-03-{day:02}", self.chance.choice(SPECIES), str(self.chance.randint(1, 9)),
                         f"20.9{where}", f"101.3{where}"])  # fmt: skip
        frame = pd.DataFrame(rows, columns=COLUMNS)
        return frame.drop(columns="occurrenceID") if part == "unnamed" else frame

    def current(self, part: str) -> pd.DataFrame | None:
        return self.parts[part][-1][1] if self.parts[part] else None

    def dataset(self) -> pd.DataFrame:
        frames = [rows.assign(part=part) for part in self.parts if (rows := self.current(part)) is not None]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*COLUMNS, "part"])

    def put(self, part: str, number: int, rows: pd.DataFrame | None, step: int) -> dict[str, int]:
        nothing = pd.DataFrame(columns=COLUMNS)
        had = self.current(part)
        told = counts(nothing if had is None else had, nothing if rows is None else rows)
        self.changed = step if any(told[kind] for kind in ("new", "changed", "gone")) else self.changed
        self.steps[number] = self.changed
        self.parts[part].append((number, rows))
        return told

    def state(self, part: str, number: int) -> str:
        numbers = [one for one, _ in self.parts[part]]
        after = self.parts[part][numbers.index(number) + 1 :]
        shown = [rows for one, rows in after if self.steps[one] <= self.released]
        if self.steps[number] > self.released:
            return "replaced" if after else "committed"
        if shown:
            return "removed" if shown[-1] is None else "replaced"
        return "removed" if dict(self.parts[part])[number] is None else "published"


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with what each is known by."""
    if "occurrenceID" in rows:
        return rows.assign(known=rows["occurrenceID"])
    rows = rows.assign(turn=rows.groupby(KEY[:-1]).cumcount())
    return rows.assign(known=["|".join(map(str, one)) for one in rows[KEY].itertuples(index=False)])


def counts(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, int]:
    had, has = (named(one).set_index("known")[WRITTEN] for one in (before, after))
    both = had.index.intersection(has.index)
    changed = int((had.loc[both] != has.loc[both]).any(axis=1).sum())
    return {"new": len(has) - len(both), "changed": changed, "gone": len(had) - len(both),
            "unchanged": len(both) - changed}  # fmt: skip


def agree(team: Team, oracle: Oracle, dataset: str) -> None:
    """See that the lake has what the files say, and that each version's state is what follows from them."""
    wanted, found = oracle.dataset(), team.rows(dataset)
    columns = ["part", *WRITTEN]
    for one in (wanted, found):
        one.loc[one["part"] == "unnamed", "occurrenceID"] = ""
    order = [*columns, "occurrenceID"]
    wanted, found = (one[order].sort_values(order).reset_index(drop=True).astype(str) for one in (wanted, found))
    pd.testing.assert_frame_equal(found, wanted)
    with team.registry.session(read_only=True) as session:
        for part, versions in oracle.parts.items():
            for place, (number, rows) in enumerate(versions):
                one, state = session.get_one(Submission, number), oracle.state(part, number)
                after = survey_steps.replaced_by(session, one)
                assert (survey_steps.state_of(session, one), one.part_version) == (state, place + 1), (part, number)
                assert (after and after.id) == (versions[place + 1][0] if place + 1 < len(versions) else None)
                shows = words.message_of("MAP_SHOWN", {"release": survey_steps.shown_since(session, one)}, "en")[0]
                assert (review.what_next(session, one, "en") == shows) == (state == "published")
                assert one.removes == (rows is None)


def step(team: Team, oracle: Oracle, who, number_of_step: int) -> None:
    """Do something that chance chooses, to the service and to the oracle alike."""
    chance = oracle.chance
    part = chance.choice(list(oracle.parts))
    versions, had = oracle.parts[part], oracle.current(part)
    able = ["send"] if had is None or had.empty else ["send", "correct", "drop", "remove", "again"]
    restorable = [(number, rows) for number, rows in versions[:-1] if rows is not None]
    action = chance.choice([*able, *(["restore"] * 2 if restorable else [])])
    if action == "remove":
        oracle.put(part, team.remove(who, versions[-1][0]), None, number_of_step)
        return
    if action == "restore":
        number, rows = chance.choice(restorable)
        made = team.restore(who, number)
    elif action == "again":
        assert team.send(who, part, had) == versions[-1][0], "what is current is the same upload"
        return
    else:
        rows = oracle.rows(part, chance.randint(2, 6)) if action == "send" else had.copy()
        at = chance.randrange(len(rows))
        if action == "correct":
            column = "individualCount" if part == "unnamed" else chance.choice(["individualCount", "scientificName"])
            rows.loc[rows.index[at], column] = "77" if column == "individualCount" else "Axis porcinus"
        elif action == "drop" and len(rows) > 1:
            rows = rows.drop(rows.index[at]).reset_index(drop=True)
        if had is not None and rows.equals(had):
            return
        made = team.send(who, part, rows)
    counted = oracle.put(part, made, rows, number_of_step)
    with team.registry.session(read_only=True) as session:
        one = session.get_one(Submission, made)
        assert one.part_version, (action, rows, one.report)
        told = one.difference["occurrences"]["counts"]
    assert told == counted, (action, part)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.searches) for seed in range(1, 10))])
def test_after_any_steps_the_dataset_is_what_its_current_files_say(team, seed):
    """Each file goes the whole way but for the release; the lake's part of it is below, in more orders."""
    dataset = f"history-{seed}"
    who, oracle = team.person(dataset), Oracle(random.Random(seed))
    for number in range(5):
        step(team, oracle, who, number)
        if oracle.chance.random() < 0.3:
            team.release()
            oracle.released = number
        agree(team, oracle, dataset)
    told = review.versions(team.registry, who, dataset)
    found = [(one["part"], one["id"]) for one in told]
    assert found == [(part, number) for part in sorted(oracle.parts) for number, _ in oracle.parts[part]]


class Rows(Team):
    """An installation whose versions go into the lake as rows, with no file that is read or checked before."""

    def __init__(self, folder: Path, registry: Registry, settings: Settings, opened: Lake) -> None:
        super().__init__(folder, registry, settings)
        self.opened = opened
        self.rows_of: dict[int, pd.DataFrame | None] = {}

    def lake(self) -> AbstractContextManager[Lake]:
        return nullcontext(self.opened)

    def put(self, dataset: str, part: str, rows: pd.DataFrame | None, **told: object) -> int:
        with self.registry.session() as session, session.begin():
            made = Submission(dataset=dataset, part=part, file_name="a.csv", file_sha256="-", state="accepted", **told)
            session.add(made)
            session.flush()
            number = made.id
        found, where = (
            verbatim(dataset, part, rows),
            And((Compare("datasetKey", "=", dataset), Compare("dataset_part", "=", part))),
        )
        brought = found.select(identifier="source_record_id", sheet=pl.lit(None, dtype=pl.String), row="source_row",
                               **{f"={name}": f"v_{name}" for name in WRITTEN})  # fmt: skip
        with self.lake() as lake, lake.staging() as staging, lake.row_files("events") as none:
            told_of = compare(of_lake_records(lake.read("verbatim", where=where)), brought).counts()
            if not found.is_empty():
                staging.add(found.drop([f"v_{name}" for name in WRITTEN]), found)
            lake.commit_survey(staging, none, part=(dataset, part), author="a test", message="a part")
            snapshot = lake.snapshot()
        with self.registry.session() as session, session.begin():
            made = session.get_one(Submission, number)
            made.difference = {"occurrences": {"counts": told_of}}
            survey_steps.committed(session, made, snapshot=snapshot)
        self.rows_of[number] = rows
        return number

    def send(self, who, part: str, rows: pd.DataFrame, dataset: str | None = None) -> int:
        with self.registry.session(read_only=True) as session:
            last = survey_steps.last_of(session, who, part)
        if last is not None and (had := self.rows_of[last.id]) is not None and rows.equals(had):
            return last.id
        return self.put(who, part, rows)

    def remove(self, who, number: int) -> int:
        return self.put(who, self.part_of(number), None, removes=True)

    def restore(self, who, number: int) -> int:
        return self.put(who, self.part_of(number), self.rows_of[number], restores=number)

    def part_of(self, number: int) -> str:
        with self.registry.session(read_only=True) as session:
            return session.get_one(Submission, number).part


def verbatim(dataset: str, part: str, rows: pd.DataFrame | None) -> pl.DataFrame:
    """Return rows as the lake keeps what people wrote."""
    rows = named(pd.DataFrame(columns=COLUMNS) if rows is None else rows)
    texts = pl.DataFrame(
        {f"v_{name}": rows[name].to_list() for name in WRITTEN},
        schema_overrides={f"v_{name}": pl.String for name in WRITTEN},
    )
    known = pl.Series("source_record_id", rows["known"].to_list(), dtype=pl.String)
    told = [pl.lit(dataset).alias("datasetKey"), pl.lit(part).alias("dataset_part"),
            pl.lit("a.csv").alias("source_file")]  # fmt: skip
    return texts.with_columns(known, *told, source_row=pl.int_range(2, pl.len() + 2))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.searches) for seed in range(1, 20))])
def test_after_any_steps_the_rows_of_the_lake_are_those_of_the_current_versions(rows, seed):
    oracle = Oracle(random.Random(100 + seed))
    dataset = f"rows-{seed}"
    for number in range(12):
        step(rows, oracle, dataset, number)
        if oracle.chance.random() < 0.3:
            rows.release()
            oracle.released = number
        agree(rows, oracle, dataset)


FIRST = pd.DataFrame(
    [[f"A-{n}", f"2026-04-{n:02}", "Rusa unicolor", str(n), "20.91", "101.31"] for n in range(1, 16)], columns=COLUMNS
)


def problems(team: Team, number: int) -> list[dict]:
    return [one for one in team.look(number)["report"]["problems"] if one["blocking"]]


def test_an_identifier_in_two_parts_is_named_with_both_places(team):
    who = team.person("two")
    team.send(who, "dry season", FIRST[:5])
    number = team.send(who, "wet season", pd.concat([FIRST[6:8], FIRST[2:4]]))
    assert team.look(number)["state"] == "refused"
    told = [(one["code"], one["row"], one["column"], one["message"]) for one in problems(team, number)]
    assert [one[:3] for one in told] == [("IDENTIFIER_IN_TWO_PARTS", row, "occurrenceID") for row in (4, 5)]
    for other, (*_, message) in zip((4, 5), told, strict=True):
        assert "dry season" in message
        assert f"row {other}" in message
    assert len(team.rows("two")) == 5, "nothing of it came in"


def test_a_whole_file_under_another_part_s_name_is_told_once(team):
    who = team.person("whole")
    team.send(who, "dry season", FIRST)
    number = team.send(who, "dry seasons", FIRST)
    (told,) = problems(team, number)
    assert (told["code"], told["row"], "15 rows" in told["message"]) == ("IDENTIFIER_IN_TWO_PARTS", 2, True)
    assert len(team.rows("whole")) == 15


def test_where_a_row_stood_is_told_of_the_version_before(team):
    who, dataset = team.person("places"), "places"
    team.send(who, "a", FIRST[:5])
    team.send(who, "a", FIRST[1:5])
    found = dict(zip(team.rows(dataset)["occurrenceID"], team.rows(dataset)["source_row"], strict=True))
    assert found == {f"A-{n}": n for n in range(2, 6)}
    number = team.send(who, "a", FIRST[1:4])
    (gone,) = team.look(number)["difference"]["occurrences"]["gone"]
    assert gone["was_row"] == 5


def test_an_identifier_may_stand_in_another_part_once_the_first_gave_it_up(team):
    who = team.person("moved")
    first = team.send(who, "a", FIRST[:3])
    key = team.rows("moved").set_index("occurrenceID")["key"]["A-1"]
    team.send(who, "a", FIRST[1:3])
    second = team.send(who, "b", FIRST[:1])
    assert team.look(second)["state"] == "committed"
    assert team.rows("moved").set_index("occurrenceID")["key"]["A-1"] == key, "it is the same record"
    back = team.restore(who, first)
    assert [one["code"] for one in problems(team, back)] == ["IDENTIFIER_IN_TWO_PARTS"], "a return is checked, too"


def test_a_row_without_an_identifier_keeps_its_key_though_its_count_is_corrected(team):
    who, plain = team.person("plain"), FIRST[:4].drop(columns="occurrenceID")
    plain = pd.concat([plain, plain[:1], plain[:1]], ignore_index=True)
    team.send(who, "a", plain)
    had = team.rows("plain")
    assert had["key"].nunique() == 6, "doubles are records of their own"
    mended = plain.copy()
    mended.loc[2, "individualCount"] = "99"
    number = team.send(who, "a", mended)
    has = team.rows("plain")
    assert set(has["key"]) == set(had["key"])
    both = had.merge(has, on="key", suffixes=("", " now"))
    assert both.loc[both["individualCount"] != both["individualCount now"], "individualCount now"].to_list() == ["99"]
    with team.registry.session(read_only=True) as session:
        told = session.get_one(Submission, number).difference["occurrences"]["counts"]
    assert told == {"new": 0, "changed": 1, "gone": 0, "unchanged": 5}
    other = team.send(who, "b", plain[:1])
    assert team.look(other)["state"] == "committed"
    assert len(team.rows("plain")) == 7, "the same row of another part is another record"


def test_what_is_purged_is_in_no_version_and_no_file_and_does_not_come_again(team):
    who = team.person("purged")
    mine = FIRST[:3].assign(individualCount=["660012007", "660012008", "660012009"])
    first = team.send(who, "a", mine)
    second = team.send(who, "a", mine[:2])
    other = team.send(who, "b", FIRST[8:10])
    in_vain = team.send(who, "z", mine)
    assert team.look(in_vain)["state"] == "refused"
    kept = team.rows("purged").query("part == 'b'").reset_index(drop=True)
    done = submit.purge_part(team.settings, team.registry, dataset="purged", part="a", reason="a law", actor="a test")
    assert (done["records"], done["events"]) == (3, 0)
    pd.testing.assert_frame_equal(team.rows("purged"), kept)
    for path in (path for path in team.settings.data.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += repr(pl.read_parquet(path, hive_partitioning=False).to_dicts()).encode()
        assert not [needle for needle in (b"660012007", b"660012009") if needle in content], path
    with Lake.open(team.settings.data) as lake:
        for version in (team.look(other)["snapshot"], lake.snapshot()):
            rows = lake.read("verbatim", where=Compare("datasetKey", "=", "purged"), snapshot=version)
            assert set(rows["source_record_id"].drop_nulls()) <= {"A-9", "A-10"}
    assert [team.look(number)["state"] for number in (first, second)] == ["withdrawn", "withdrawn"]
    again = team.send(who, "a", mine)
    assert {one["code"] for one in problems(team, again)} == {"RECORD_WITHDRAWN"}
    assert team.look(again)["state"] == "refused"
    assert verify(team.settings).faults == []


def test_a_survey_is_put_down_as_taken_back_before_its_file_goes(team, monkeypatch):
    """Whoever is cut off in between has no survey left that waits without its file; the next command ends it."""

    def killed(*args, **kwargs):
        forget(*args, **kwargs)
        raise KeyboardInterrupt

    who, forget = team.person("taken-back"), purges.forget_submission
    sent = {"sender": who, "sent": Sent(part="a")}
    number = receive(team.settings, team.registry, b"a file", "a.csv", **sent)
    with monkeypatch.context() as patch:
        patch.setattr(purges, "forget_submission", killed)
        with pytest.raises(KeyboardInterrupt):
            submit.remove(team.settings, team.registry, who, number)
    assert team.look(number)["state"] == "withdrawn"
    submit.remove(team.settings, team.registry, who, number)
    assert receive(team.settings, team.registry, b"a file", "a.csv", **sent) > number


def test_a_version_that_was_not_put_down_keeps_its_place_before_the_next(team, monkeypatch):
    """A worker that dies between the lake and the registry: the next version of the part is the next one all the same."""

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    who = team.person("cut-off")
    files = [
        pd.DataFrame([["K-1", "2026-03-01", SPECIES[0], str(count), "20.91", "101.31"]], columns=COLUMNS)
        for count in (1, 2, 3)
    ]
    numbers = [team.send(who, "a", files[0])]
    with monkeypatch.context() as patch:
        patch.setattr(survey_steps, "committed", killed)
        with pytest.raises(KeyboardInterrupt):
            team.send(who, "a", files[1])
    numbers.append(numbers[0] + 1)
    numbers.append(team.send(who, "a", files[2]))
    process(team.settings, team.registry, numbers[2])  # what it was compared with had gone on: it is checked once more
    process(team.settings, team.registry, numbers[1])
    told = review.versions(team.registry, who, "cut-off")
    assert [(one["id"], one["part_version"]) for one in told] == list(zip(numbers, (1, 2, 3), strict=True))
    assert [team.look(number, who)["state"] for number in numbers] == ["replaced", "replaced", "committed"]
    assert team.rows("cut-off")["individualCount"].tolist() == ["3"]

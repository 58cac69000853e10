import csv
import io
from functools import partial

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.core.errors import InputError
from biodata.formats.delimited import read, sniff
from biodata.formats.records import Dialect, Limits, Repairs, _field_by_field, cut


def table(data: bytes | str, **choices):
    data = data.encode() if isinstance(data, str) else data
    return read(partial(io.BytesIO, data), file="records.csv", **choices)


def rows(data: bytes | str, **choices):
    """Return headings, rows with their numbers, and refusals."""
    opened = table(data, **choices)
    frames = list(opened.batches)
    return opened.headings, [row for frame in frames for row in frame.rows()], opened.refusals


@pytest.mark.parametrize("data", [
    pytest.param("id,locality\n1,Nam Ha\n2,\n", id="LF"),
    pytest.param("id,locality\r\n1,Nam Ha\r\n2,\r\n", id="CR LF"),
    pytest.param("id,locality\r1,Nam Ha\r2,\r", id="CR alone, an old Mac"),
    pytest.param("id,locality\n1,Nam Ha\n2,", id="no line end at the end"),
    pytest.param("\ufeffid,locality\n1,Nam Ha\n2,\n", id="byte order mark"),
    pytest.param('"id","locality"\n"1","Nam Ha"\n"2",""\n', id="all quoted"),
    pytest.param("id\tlocality\n1\tNam Ha\n2\t\n", id="tabs"),
    pytest.param("id;locality\n1;Nam Ha\n2;\n", id="semicolons"),
    pytest.param("id|locality\n1|Nam Ha\n2|\n", id="bars"),
])  # fmt: skip
def test_the_same_table_in_many_hands(data):
    assert rows(data) == (("id", "locality"), [(2, "1", "Nam Ha"), (3, "2", None)], [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_table_with_a_byte_order_mark(encoding):
    data = "id,locality\n1,雲南省\n".encode(encoding)
    assert rows(data) == (("id", "locality"), [(2, "1", "雲南省")], [])


def test_values_stay_as_they_came():
    told = [" spaces ", "1e3", "007", "NaN", "NULL", "-", "'", "=HYPERLINK(1)", "\u00a0", "½", "<b>", "\\N", "NA",
            "None"]  # fmt: skip
    _, found, refused = rows("id,value\n" + "".join(f"{n},{value}\n" for n, value in enumerate(told)))
    assert [row[2] for row in found] == told
    assert refused == []


@pytest.mark.parametrize(("data", "found"), [
    pytest.param('gbifID\tlocality\n1\t"Nam Ha" area\n2\t"never closed\n3\t"\n',
                 [(2, "1", '"Nam Ha" area'), (3, "2", '"never closed'), (4, "3", '"')], id="tabs without quoting keep quotes"),
    pytest.param('id\tlocality\n1\t"Nam\tHa"\n2\t"Xe ""Pian"""\n', [(2, "1", "Nam\tHa"), (3, "2", 'Xe "Pian"')],
                 id="tabs with quoting"),
    pytest.param('id,locality\n1,5" pipe\n2,"ok"\n', [(2, "1", '5" pipe'), (3, "2", "ok")], id="a quote inside a field"),
    pytest.param('id,remarks\n1,"one\ntwo\r\nthree"\n2,"say ""no"""\n',
                 [(2, "1", "one\ntwo\r\nthree"), (5, "2", 'say "no"')], id="a quoted line end counts as a line"),
    pytest.param("id,locality\n\n1,Nam Ha\n\r\n\n2,Xe Pian\n\n", [(3, "1", "Nam Ha"), (6, "2", "Xe Pian")],
                 id="empty lines are no records but count as lines"),
])  # fmt: skip
def test_quotes_and_line_ends(data, found):
    assert rows(data)[1:] == (found, [])


def test_short_and_long_rows_are_refused_with_their_number():
    _, found, refused = rows("id,locality,year\n1,Nam Ha\n2,Xe Pian,2019\n3,a,b,c\n4,Virachey,\n")
    assert found == [(3, "2", "Xe Pian", "2019"), (5, "4", "Virachey", None)]
    assert [(r.file, r.row, r.code, r.value) for r in refused] == [
        ("records.csv", 2, "ROW_FIELD_COUNT", "1,Nam Ha"),
        ("records.csv", 4, "ROW_FIELD_COUNT", "3,a,b,c"),
    ]
    assert refused[0].message == "2 fields where the heading has 3"


@pytest.mark.parametrize(("data", "code", "message"), [
    pytest.param(b"id,locality\n1,Nam\x00Ha\n2,Xe Pian\n", "ROW_HAS_NUL", None, id="a NUL character"),
    pytest.param(b'id,locality\n1,"Nam" Ha\n2,"Xe Pian"\n', "ROW_QUOTE_INVALID", "text after the closing quote of field 2",
                 id="text after a closing quote"),
])  # fmt: skip
def test_what_cannot_be_read_refuses_its_row_alone(data, code, message):
    _, found, refused = rows(data)
    assert found == [(3, "2", "Xe Pian")]
    assert [(r.row, r.code) for r in refused] == [(2, code)]
    assert message is None or refused[0].message == message


def test_rows_are_yielded_or_refused_and_nothing_else():
    lines = [f"{n},a,{'x' * (n % 3)}" if n % 7 else f"{n},too,many,fields" for n in range(1, 1001)]
    _, found, refused = rows("id,b,c\n" + "\n".join(lines), block_bytes=997)
    assert len(found) + len(refused) == 1000
    assert [row[0] for row in found] == [n + 1 for n in range(1, 1001) if n % 7]
    assert [r.row for r in refused] == [n + 1 for n in range(1, 1001) if not n % 7]


def test_too_many_refusals_refuse_the_file():
    with pytest.raises(InputError, match="more than 10 rows cannot be read") as caught:
        rows("id,b\n" + "1,2,3\n" * 20, limits=Limits(refusals=10))
    assert caught.value.code == "ROWS_REFUSED_TOO_MANY"


@pytest.mark.parametrize(("data", "code", "row"), [
    pytest.param(b"", "INPUT_EMPTY", None, id="empty file"),
    pytest.param(b"\n\r\n\n", "INPUT_EMPTY", None, id="only line ends"),
    pytest.param(b"\xef\xbb\xbf", "INPUT_EMPTY", None, id="only a byte order mark"),
    pytest.param(b'id,b\n1,2\n3,"never closed\n4,5\n', "QUOTE_NOT_CLOSED", 3, id="unclosed quote"),
    pytest.param(b'"id,b\n1,2\n', "QUOTE_NOT_CLOSED", 1, id="unclosed quote in the heading"),
    pytest.param(b"id,b\n1,2\n3," + b"x" * 10_000_000 + b"\n", "FIELD_TOO_LONG", 3, id="10 MB field"),
    pytest.param(b"id,b\n1,2\n3," + b"x" * 10_000_000, "FIELD_TOO_LONG", 3, id="10 MB field at the end"),
    pytest.param(b'id,b\n1,2\n3,"' + b"x\n" * 5_000_000, "QUOTE_NOT_CLOSED", 3, id="10 MB in quotes, not closed"),
    pytest.param(b'id,b\n1,2\n3,"' + b"x" * 2_000_000 + b'"\n', "FIELD_TOO_LONG", 3, id="2 MB in quotes"),
    pytest.param(b",".join(b"c%d" % n for n in range(100_000)), "COLUMNS_TOO_MANY", 1, id="100,000 columns"),
    pytest.param(b"x" * 20_000_000, "FIELD_TOO_LONG", 1, id="20 MB without a separator"),
    pytest.param(b"id,b,id\n1,2,3\n", "HEADING_REPEATED", 1, id="repeated heading"),
    pytest.param(b'id,"b"x\n1,2\n', "HEADING_INVALID", 1, id="text after a quote in the heading"),
])  # fmt: skip
def test_a_file_that_cannot_be_read_gets_one_line_with_its_place(data, code, row):
    with pytest.raises(InputError) as caught:
        rows(data)
    assert caught.value.code == code
    assert caught.value.row == row
    assert caught.value.file == "records.csv"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("data", "encoding"), [
    pytest.param("id,b\n1,ok\n2,Musée\n".encode("cp1252"), "utf-8", id="windows-1252 declared as UTF-8"),
    pytest.param(b"id,b\n1,\xb0\xa1\n2,\xff\xff\n", "gb18030", id="no GB18030"),
    pytest.param(b"id,b\n1,ok\n2,\x81\n", "cp1252", id="a byte that windows-1252 lacks"),
    pytest.param(b"id,b\n1,ok\n2,Nam" + b"\xe0\xba", "utf-8", id="cut inside a character"),
])  # fmt: skip
def test_bytes_that_are_not_in_the_encoding_are_named_with_their_row(data, encoding):
    for block_bytes in (3, 16, 1 << 20):
        with pytest.raises(InputError, match="are not") as caught:
            rows(data, encoding=encoding, block_bytes=block_bytes)
        assert (caught.value.code, caught.value.row) == ("INPUT_ENCODING_WRONG", 3)


def test_one_row_in_another_encoding_than_the_rest():
    data = "".join(f"{n},Nguyễn\n" for n in range(99)).encode() + "99,云南\n".encode("gb18030")
    with pytest.raises(InputError, match="are not utf-8") as caught:
        rows(b"id,b\n" + data)
    assert caught.value.row == 101


def test_a_heading_with_one_name_fewer_than_columns_has_row_numbers_first(shared):
    path = shared / "data/occ_borneo_mammals/mammals_borneo.tsv"
    opened = read(partial(path.open, "rb"), file=path.name)
    frame = pl.concat(opened.batches)
    assert opened.headings == ("id", "species", "decimalLatitude", "decimalLongitude", "class")
    assert frame.height == 6_262
    assert frame.row(0) == (2, "1", "Hylobates albibarbis", "4.9634", "117.8028", "Mammalia")
    assert frame["id"].n_unique() == 6_262
    assert opened.refusals == []


def test_rows_with_a_comma_too_many_are_not_taken_for_row_numbers():
    headings, found, refused = rows("id,locality\n1,Nam Ha, Laos\n2,Xe Pian, Laos\n")
    assert headings == ("id", "locality")
    assert found == []
    assert [r.row for r in refused] == [2, 3]


@pytest.mark.parametrize(("data", "headings", "found"), [
    pytest.param("id,b\n1,x,\n2,y,\n", ("id", "b", "column_3"), [(2, "1", "x", None), (3, "2", "y", None)],
                 id="all rows end with a separator"),
    pytest.param("id,,b\n1,x,y\n", ("id", "column_2", "b"), [(2, "1", "x", "y")], id="a column without a name"),
    pytest.param("id,b\n", ("id", "b"), [], id="a heading alone"),
    pytest.param('id\n1\n\n2\n""\n', ("id",), [(2, "1"), (4, "2"), (5, None)], id="a single column"),
])  # fmt: skip
def test_columns_of_odd_tables(data, headings, found):
    assert rows(data) == (headings, found, [])


def test_a_table_without_a_heading():
    data = "1,Nam Ha\n2,Xe Pian\n3\n"
    headings, found, refused = rows(data, header_lines=0, named=False)
    assert headings == ("column_1", "column_2")
    assert found == [(1, "1", "Nam Ha"), (2, "2", "Xe Pian")]
    assert [r.row for r in refused] == [3]


@pytest.mark.parametrize(("beginning", "dialect"), [
    (b"a,b;c\n", Dialect(",", '"', "\n")),
    (b"a;b,c;d\n", Dialect(";", '"', "\n")),
    (b'gbifID\tb\n1\t"x"\n', Dialect("\t", None, "\n")),
    (b'"a,b,c,d"\t"e"\n', Dialect("\t", '"', "\n")),
    (b"a\n", Dialect(",", '"', "\n")),
    (b"a,b\r1,2\r3,4\r", Dialect(",", '"', "\r")),
])  # fmt: skip
def test_how_a_table_is_written_is_found_in_its_beginning(beginning, dialect):
    assert sniff(beginning) == dialect


# Other readers agree

_TEXT = st.text(st.characters(exclude_characters="\x00\r\n\ufeff", exclude_categories=["Cs"]), max_size=8)
_CELLS = st.one_of(_TEXT, st.sampled_from(["", '"', '""', ",", "\t", "a\nb", 'x"y', " ", "Léandri", "勐腊", "\n"]))
_TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(_CELLS, min_size=width, max_size=width), min_size=1, max_size=12)
)


@settings(max_examples=60)
@given(
    cells=_TABLES,
    separator=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    block_bytes=st.sampled_from([5, 64, 1 << 20]),
)
def test_what_python_writes_is_what_we_read(cells, separator, line_end, quoting, block_bytes):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=line_end, quoting=quoting)
    headings = [f"heading {number}" for number in range(len(cells[0]))]
    writer.writerow(headings)
    writer.writerows(cells)
    choices = {"dialect": Dialect(separator), "encoding": "utf-8", "block_bytes": block_bytes}
    found_headings, found, refused = rows(out.getvalue(), **choices)
    assert list(found_headings) == headings
    assert [list(row[1:]) for row in found] == [[cell or None for cell in row] for row in cells]
    assert refused == []


@settings(max_examples=50)
@given(
    block=st.text(st.sampled_from('ab",\n\r\x00é '), max_size=60).map(str.encode),
    dialect=st.sampled_from([Dialect(), Dialect(",", None), Dialect(",", '"', "\r"), Dialect("a", "b")]),
    at_end=st.booleans(),
    mended=st.booleans(),
)
def test_whole_columns_and_field_by_field_find_the_same(block, dialect, at_end, mended):
    names = ["x", "y"]
    choices = {"line": 7, "at_end": at_end, "file": "records.csv", "limits": Limits(), "mended": mended}

    def outcome(function):
        try:
            found = function()
        except InputError as error:
            return str(error)
        return found.frame.rows(), found.refusals, found.used_bytes, found.lines, found.short, found.long

    end = dialect.line_end.encode()
    ended = block + end if at_end and block and not block.endswith(end) else block
    fast = outcome(lambda: cut(block, names=names, dialect=dialect, **choices))
    slow = outcome(lambda: _field_by_field(ended, names, dialect, 7, at_end, "records.csv", Limits(), mended=mended))
    assert fast == slow


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_rows_that_end_early_are_filled_and_empty_cells_behind_the_last_column_left_out(line_end, quote):
    repairs = Repairs()
    lines = ["a,b,c", f"1,{quote}two{quote},3", f"4,{quote}five{quote}", "6", "7,8,9,,", "10,11,12,moved", "",
             "13,14,15"]  # fmt: skip
    opened = table(line_end.join(lines) + line_end, encoding="utf-8", repairs=repairs)
    assert pl.concat(opened.batches).rows() == [(2, "1", "two", "3"), (3, "4", "five", None), (4, "6", None, None),
                                                (5, "7", "8", "9"), (8, "13", "14", "15")]  # fmt: skip
    assert [(one.row, one.code) for one in opened.refusals] == [(6, "ROW_FIELD_COUNT")]
    assert [(one.code, one.count) for one in repairs] == [("ROW_CELLS_MISSING", 2), ("ROW_CELLS_EMPTY", 1)]


@settings(max_examples=60)
@given(block_bytes=st.integers(1, 40), data=st.text(st.sampled_from('ab",\né'), min_size=1, max_size=60))
def test_the_size_of_blocks_changes_nothing(block_bytes, data):
    def outcome(size):
        try:
            return rows("h,i\n" + data, block_bytes=size, encoding="utf-8")
        except InputError as error:
            return error.code

    assert outcome(block_bytes) == outcome(1 << 20)


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 1 << 20])
@pytest.mark.parametrize("line_end", ["\n", "\r"])
def test_vietnamese_tones_are_put_together_across_blocks(block_bytes, line_end):
    data = f"id,b{line_end}1,Viê\u0323t Nam{line_end}2,Ha\u0300 Nô\u0323i{line_end}".encode("cp1258")
    _, found, _ = rows(data, encoding="windows-1258", block_bytes=block_bytes)
    assert found == [(2, "1", "Việt Nam"), (3, "2", "Hà Nội")]

"""Sheets as teams of the region write them, each with planted faults: what is wrong in which cell, and what is right.

Written from how field teams keep their sheets, without asking the checker: a plant names the cell that it spoils and the
codes that may tell it, a truth names what a right row says. `score` compares both with a check.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import openpyxl

import old_workbooks

TODAY: Final = date(2026, 11, 24)
DATE = frozenset(
    "RECORDED_DATE_INVALID RECORDED_DATE_UNLIKELY RECORDED_DATE_MISSING RECORDED_DATE_BUDDHIST_ERA RECORDED_DATE_MISMATCH "
    "RECORDED_DATE_DAY_MONTH_AMBIGUOUS RECORD_OUTSIDE_EVENT".split()
)  # fmt: skip
ENDS = frozenset({"EVENT_ENDS_BEFORE_START"})
NO_DATE = frozenset({"RECORDED_DATE_MISSING"})
NO_END = frozenset({"EVENT_END_MISSING"})
NO_PLACE = frozenset({"COORDINATE_MISSING"})
DOUBLE = frozenset({"ROW_REPEATED", "IDENTIFIER_REPEATED"})
SAME_ID = frozenset({"IDENTIFIER_REPEATED"})
COUNT = frozenset({"INDIVIDUAL_COUNT_INVALID"})
MANY = frozenset({"INDIVIDUAL_COUNT_UNLIKELY"})
FAR = frozenset(
    "PLACE_FAR_FROM_OTHERS COUNTRY_COORDINATE_MISMATCH PROVINCE_COORDINATE_MISMATCH PRESUMED_SWAPPED_COORDINATE PLACE_AT_SEA "
    "LAND_TAXON_AT_SEA".split()
)  # fmt: skip
PLACE = frozenset(
    "COORDINATE_INVALID COORDINATE_OUT_OF_RANGE PRESUMED_SWAPPED_COORDINATE ZERO_COORDINATE COORDINATE_PROJECTED "
    "UTM_INCOMPLETE".split()
)  # fmt: skip
ZONE_UTM = FAR | {"UTM_ZONE_UNLIKELY"}
NO_SITE = frozenset({"SITE_UNKNOWN", "EVENT_UNKNOWN", "LOCATION_MISSING"})
NAME = frozenset(
    "NAME_NEARLY_ANOTHER TAXON_MATCH_FUZZY TAXON_MATCH_NONE SCIENTIFIC_NAME_UNREADABLE SCIENTIFIC_NAME_UNDETERMINED".split()
)  # fmt: skip
NO_NAME = frozenset({"SCIENTIFIC_NAME_MISSING"})
LICENCE = frozenset({"LICENSE_UNKNOWN", "LICENSE_UNSUPPORTED"})
SCOPE = frozenset({"SCOPE_WORD_UNKNOWN", "SCOPE_UNKNOWN"})
OVERLAP = frozenset({"CAMERA_AT_TWO_SITES", "CAMERA_DEPLOYMENTS_OVERLAP"})
ZONE = frozenset({"TIME_ZONE_INVALID", "TIME_ZONE_NOT_OF_PLACE"})
EFFORT = frozenset({"EFFORT_INVALID", "EFFORT_UNIT_UNFIT"})
DISTANCE = frozenset({"DISTANCE_INVALID"})
CELL_ERROR = frozenset({"CELL_ERROR", "FORMULA_WITHOUT_VALUE"})
GARBLED = frozenset({"TEXT_GARBLED"})
TIME = frozenset({"TIME_UNREADABLE"})
COUNTRY = frozenset({"COUNTRY_COORDINATE_MISMATCH"})
AS_IT_IS: Final = object()
"""For a cell that stays."""


@dataclass(frozen=True)
class Plant:
    """A fault: the cell (any of the headings; none for the row), and the codes of which one has to tell it."""

    sheet: str | None
    row: int
    headings: tuple[str, ...]
    codes: frozenset[str]


@dataclass
class Book:
    """A messy workbook on its way."""

    name: str
    form: str = "xlsx"
    sheets: dict[str | None, list[list[Any]]] = field(default_factory=dict)
    merges: list[tuple[str, str]] = field(default_factory=list)
    plants: list[Plant] = field(default_factory=list)
    truths: list[dict[str, Any]] = field(default_factory=list)
    proposed: frozenset[str] = frozenset()
    """Codes that rightly propose something of many cells of the book: a calendar, the meaning of local names."""
    raw: bytes | None = None
    encoding: str = "utf-8"

    def table(
        self,
        sheet: str | None,
        above: Sequence[Sequence[Any]],
        headings: Sequence[str | None],
        rows: Iterable[tuple[Sequence[Any], Mapping[str, Any] | None]],
    ) -> None:
        """Add a sheet: rows above the headings, the headings, rows of cells with the truth of each."""
        out = [*map(list, above), list(headings)]
        for cells, truth in rows:
            out.append(list(cells))
            if truth is not None:
                self.truths.append({"sheet": sheet, "row": len(out), **truth})
        self.sheets[sheet] = out

    def plant(self, sheet: str | None, *spoiled: tuple[Any, ...]) -> None:
        """Spoil rows, each told as row, heading, codes, what its cell holds then, other headings; their truths go."""
        rows = self.sheets[sheet]
        for row, heading, codes, cell, *also in spoiled:
            if cell is not AS_IT_IS:
                head = next(r for r in rows if heading in r)
                rows[row - 1][head.index(heading)] = cell
            self.plants.append(Plant(sheet, row, (*([heading] if heading else []), *also), codes))
            self.truths = [one for one in self.truths if (one["sheet"], one["row"]) != (sheet, row)]

    def double(self, sheet: str | None, row: int) -> None:
        """Repeat a row at the end of its sheet."""
        rows = self.sheets[sheet]
        rows.append(list(rows[row - 1]))
        self.plants.append(Plant(sheet, len(rows), (), DOUBLE))

    def files(self) -> list[tuple[str, bytes]]:
        """Return the file as a team sends it."""
        if self.raw is not None:
            return [(f"{self.name}.{self.form}", self.raw)]
        if self.form == "csv":
            (rows,) = self.sheets.values()
            text = "\r\n".join(",".join(_quoted(cell) for cell in row) for row in rows) + "\r\n"
            return [(f"{self.name}.csv", text.encode(self.encoding))]
        if self.form == "xls":
            ((title, rows),) = self.sheets.items()
            return [(f"{self.name}.xls", old_workbooks.xls(rows, name=title))]
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in self.sheets.items():
            page = book.create_sheet(title)
            for number, row in enumerate(rows, start=1):
                for column, cell in enumerate(row, start=1):
                    if cell is not None:
                        page.cell(number, column, cell)
        for title, area in self.merges:
            book[title].merge_cells(area)
        out = io.BytesIO()
        book.save(out)
        return [(f"{self.name}.xlsx", out.getvalue())]


def _quoted(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n') else text


def dms(degrees: float, sides: str) -> str:
    """Return degrees, minutes and seconds as a GPS shows them."""
    side, left = sides[degrees < 0], abs(degrees)
    tenths = round(left * 36000)
    return f"{tenths // 36000}°{tenths // 600 % 60:02d}'{tenths % 600 / 10:04.1f}\"{side}"


def digits(text: Any, zero: str) -> str:
    """Return a text with the digits of a script."""
    return str(text).translate({ord("0") + n: ord(zero) + n for n in range(10)})


def about(latitude: float, longitude: float, n: int) -> list[tuple[float, float]]:
    """Return places within a few kilometres of one."""
    return [(round(latitude + (i * 37 % 23) / 1100, 5), round(longitude + (i * 53 % 29) / 1200, 5)) for i in range(n)]


def days(first: date, n: int, step: int = 1) -> list[date]:
    """Return days, one after the other."""
    return [date.fromordinal(first.toordinal() + i * step) for i in range(n)]


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a cell of a date, as spreadsheets have it: of no zone."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


BOOKS: list[Callable[[], Book]] = []


def book(make: Callable[[], Book]) -> Callable[[], Book]:
    """Register a workbook."""
    BOOKS.append(make)
    return make


@book
def yunnan_line_transects() -> Book:
    """保护区巡护样线: title, joined cells of the line, Chinese names beside Latin ones, native dates, no identifier."""
    b = Book("勐腊样线调查2026", proposed=frozenset({"NAME_COMMON"}))
    species = [("野猪", "Sus scrofa"), ("赤麂", "Muntiacus muntjak"), ("水鹿", "Rusa unicolor"), ("红原鸡", "Gallus gallus"),
               ("黑熊", "Ursus thibetanus")]  # fmt: skip
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(21.93, 101.21, 18), days(date(2026, 3, 2), 18), strict=True)):
        zh, latin = species[i % 5]
        rows.append((
            [i + 1, f"样线{1 + i // 6}", f"{day.year}年{day.month}月{day.day}日", zh, latin, 1 + i % 4, lat, lon, 780 + 7 * i, "李明"],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": latin, "count": 1 + i % 4},
        ))  # fmt: skip
    b.table("样线记录", [["勐腊子保护区2026年春季样线调查记录表"], []],
            ["序号", "样线编号", "日期", "中文名", "学名", "数量", "纬度", "经度", "海拔(m)", "记录人"], rows)  # fmt: skip
    b.merges += [("样线记录", "A1:J1")]
    b.plant("样线记录", (6, "日期", DATE, "2026年2月30日"), (8, "经度", FAR | PLACE, 110.21, "纬度"), (10, "数量", MANY, 4200),
            (12, "日期", NO_DATE, None), (14, "学名", NAME, "Muntiacus muntjakk"), (17, "纬度", NO_PLACE, None, "经度"))  # fmt: skip
    b.double("样线记录", 16)
    return b


@book
def thai_buddhist_years() -> Book:
    """บันทึกการสำรวจ: Buddhist years in Thai digits, Thai names only, UTM nowhere, count in words of a classifier."""
    b = Book("huai_kha_khaeng", proposed=frozenset({"NAME_COMMON", "RECORDED_DATE_BUDDHIST_ERA"}))
    species = ["หมูป่า", "เก้ง", "ช้างป่า", "เสือโคร่ง", "กวางป่า"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(15.45, 99.25, 16), days(date(2025, 2, 1), 16), strict=True)):
        told = digits(f"{day.day:02d}/{day.month:02d}/{day.year + 543}", "๐")
        rows.append(([digits(i + 1, "๐"), told, species[i % 5], digits(1 + i % 3, "๐"), lat, lon, "สมชาย"],
                     {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 5], "count": 1 + i % 3}))  # fmt: skip
    b.table("ข้อมูลสัตว์ป่า", [], ["ลำดับ", "วันที่", "ชนิด", "จำนวน (ตัว)", "ละติจูด", "ลองจิจูด", "ผู้บันทึก"], rows)
    b.plant("ข้อมูลสัตว์ป่า", (5, "วันที่", DATE, "๓๑/๐๒/๒๕๖๘"), (7, "จำนวน (ตัว)", COUNT, "-๒"),
            (9, "ละติจูด", FAR | PLACE, 99.26, "ลองจิจูด"), (11, "วันที่", DATE, "๑๒/๐๒/๒๕๗๘"))  # fmt: skip
    b.double("ข้อมูลสัตว์ป่า", 13)
    return b


@book
def lao_decimal_commas() -> Book:
    """ນ້ຳຫ້າ: decimal commas, both coordinates of a day in Lao, day first dates with dots, local names."""
    b = Book("nam_ha_2026", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS"}))
    species = ["ໝູປ່າ", "ຟານ", "ໄກ່ປ່າ", "ໝີຄວາຍ"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(20.75, 101.3, 16), days(date(2026, 1, 9), 16), strict=True)):
        rows.append((
            [f"NH{i + 1:03d}", f"{day.day}.{day.month}.{day.year}", species[i % 4], 1 + i % 3, str(lat).replace(".", ","),
             str(lon).replace(".", ","), "ບ້ານນ້ຳຫ້າ"],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 4], "count": 1 + i % 3},
        ))  # fmt: skip
    heads = ["ID", "ວັນທີ", "ຊະນິດ", "ຈຳນວນ", "ເສັ້ນແວງ (N)", "ເສັ້ນແວງ (E)", "ສະຖານທີ່"]
    heads[4], heads[5] = "Lat", "Long"
    b.table("Sheet1", [], heads, rows)
    b.plant("Sheet1", (4, "ວັນທີ", DATE, "32.1.2026"), (6, "Lat", PLACE | FAR, "207,5"), (8, "ຈຳນວນ", COUNT, "2,5"),
            (10, "ID", SAME_ID, "NH003"), (12, "Long", NO_PLACE, None))  # fmt: skip
    return b


@book
def burmese_digits() -> Book:
    """Hukaung: Burmese digits everywhere, Burmese headings and local names."""
    b = Book("hukaung", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS"}))
    species = ["တောဝက်", "ဆင်", "ကျား", "ချေ"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(26.45, 96.55, 14), days(date(2026, 2, 13), 14), strict=True)):
        rows.append((
            [digits(i + 1, "၀"), digits(f"{day.day}-{day.month}-{day.year}", "၀"), species[i % 4], digits(1 + i % 3, "၀"),
             digits(lat, "၀"), digits(lon, "၀")],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 4], "count": 1 + i % 3},
        ))  # fmt: skip
    b.table("မှတ်တမ်း", [], ["စဉ်", "နေ့စွဲ", "မျိုးစိတ်", "အရေအတွက်", "လတ္တီကျု", "လောင်ဂျီကျု"], rows)
    b.plant("မှတ်တမ်း", (4, "လတ္တီကျု", FAR | PLACE, "၁၆.၄၆", "လောင်ဂျီကျု"), (6, "နေ့စွဲ", DATE, "၃၁-၄-၂၀၂၆"),
            (8, "အရေအတွက်", MANY, "၅၀၀၀"), (9, "မျိုးစိတ်", NO_NAME, None))  # fmt: skip
    return b


@book
def khmer_dms() -> Book:
    """Mondulkiri: DMS of a GPS, Khmer headings beside English ones, times of day."""
    b = Book("mondulkiri_dms", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS", "COORDINATES_SPLIT"}))
    species = ["ជ្រូកព្រៃ", "ក្ងោក", "Rusa unicolor", "Muntiacus muntjak"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(12.72, 107.15, 14), days(date(2026, 3, 14), 14), strict=True)):
        rows.append((
            [f"MK-{i + 1}", day.strftime("%d/%m/%Y"), f"{6 + i % 5}:{10 + i}", species[i % 4], 1 + i % 3, dms(lat, "NS"), dms(lon, "EW")],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 4], "count": 1 + i % 3},
        ))  # fmt: skip
    b.table("Data", [], ["Record", "កាលបរិច្ឆេទ Date", "Time", "ប្រភេទ Species", "ចំនួន", "Latitude", "Longitude"], rows)
    b.plant("Data", (5, "Latitude", PLACE, "12°75'12.0\"N"), (7, "Time", TIME, "25:70"),
            (9, "កាលបរិច្ឆេទ Date", DATE, "31/06/2026"), (11, "Longitude", FAR | PLACE, "117°12'30.0\"E", "Latitude"),
            (12, "Record", SAME_ID, "MK-2"))  # fmt: skip
    return b


@book
def vietnam_utm() -> Book:
    """Pù Mát: UTM with a zone column and a datum, one row of the neighbour's zone by mistake."""
    from pyproj import Transformer

    to_utm = Transformer.from_crs(4326, 32648, always_xy=True)
    b = Book("pu_mat_utm", proposed=frozenset({"NAME_COMMON", "UTM_CONVERTED"}))
    species = ["Sus scrofa", "Muntiacus muntjak", "Macaca arctoides", "Gallus gallus"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(18.95, 104.72, 16), days(date(2026, 4, 13), 16), strict=True)):
        east, north = to_utm.transform(lon, lat)
        rows.append((
            [i + 1, day.strftime("%d/%m/%Y"), species[i % 4], 1 + i % 4, round(east), round(north), "48N", "WGS84"],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 4], "count": 1 + i % 4},
        ))  # fmt: skip
    b.table("Số liệu", [], ["STT", "Ngày", "Tên khoa học", "Số lượng", "X", "Y", "Múi", "Hệ tọa độ"], rows)
    b.plant("Số liệu", (6, "Múi", ZONE_UTM, "47N", "X", "Y"), (9, "Y", PLACE | FAR, 20, "X"),
            (11, "Ngày", DATE, "13/14/2026"), (13, "Số lượng", COUNT, "nhiều con?"))  # fmt: skip
    b.double("Số liệu", 15)
    return b


@book
def camera_traps_two_sheets() -> Book:
    """Deployments and photos: 'Photo' identifies, dates as real cells, a station that nobody put down."""
    b = Book("ct_nam_et", proposed=frozenset({"NAME_COMMON"}))
    places = about(20.35, 103.55, 6)
    stations = []
    for i, (lat, lon) in enumerate(places):
        stations.append(([f"CT{i + 1:02d}", f"CAM{i + 1}", lat, lon, at(2026, 1, 5), at(2026, 3, 1)], None))
    b.table("Cameras", [], ["Station", "Camera ID", "Latitude", "Longitude", "Date set", "Date collected"], stations)
    species = ["Sus scrofa", "Muntiacus muntjak", "Paguma larvata", "Macaca arctoides"]
    rows = []
    for i in range(20):
        day = at(2026, 1, 10 + i, 5 + i % 12, 20)
        lat, lon = places[i % 6]
        rows.append((
            [f"IMG_{i + 1:04d}.JPG", f"CT{i % 6 + 1:02d}", day, species[i % 4], 1 + i % 2],
            {"lat": lat, "lon": lon, "date": day.date().isoformat(), "name": species[i % 4], "count": 1 + i % 2},
        ))  # fmt: skip
    b.table("Photos", [], ["Photo", "Station", "Date Time", "Species", "No."], rows)
    b.plant("Cameras", (3, "Date collected", NO_END, None), (5, "Date collected", ENDS, at(2025, 3, 1)))
    b.truths = [t for t in b.truths if (t["row"] - 2) % 6 not in (1, 3)]
    b.plant("Photos", (8, "Station", NO_SITE, "CT17"),
            (12, "Date Time", DATE | {"RECORD_OUTSIDE_EVENT"}, at(2026, 7, 20, 8, 0)),
            (15, "Species", NAME, "Sus scorfa"), (18, "Station", NO_SITE | NO_PLACE, None))  # fmt: skip
    return b


@book
def month_sheets() -> Book:
    """A sheet a month: the same columns, day in its own column, month and year in the sheet's name only."""
    b = Book("xsbn_monthly", proposed=frozenset({"NAME_COMMON", "DATE_OF_SHEET_TAKEN"}))
    names = ["野猪", "赤麂", "猕猴", "红原鸡"]
    for month in (3, 4, 5):
        rows = []
        for i, (lat, lon) in enumerate(about(22.1, 100.8, 8)):
            day = date(2026, month, 2 + 3 * i)
            rows.append(([i + 1, 2 + 3 * i, names[i % 4], 1 + i % 5, lat, lon],
                         {"lat": lat, "lon": lon, "date": day.isoformat(), "name": names[i % 4], "count": 1 + i % 5}))  # fmt: skip
        b.table(f"2026年{month}月", [[f"{month}月巡护记录"]], ["编号", "日", "物种", "数量", "纬度", "经度"], rows)
    b.plant("2026年4月", (5, "日", DATE, 31))
    b.plant("2026年3月", (6, "纬度", FAR | PLACE, 220.1, "经度"))
    b.plant("2026年5月", (4, "物种", NO_NAME, None))
    return b


@book
def cross_table() -> Book:
    """Species x stations: counts in a matrix, the stations' places on a sheet of their own."""
    b = Book("birds_matrix", proposed=frozenset({"NAME_COMMON", "CROSS_TABLE_READ"}))
    places = about(24.55, 98.75, 5)
    species = ["Garrulax leucolophus", "Pycnonotus jocosus", "Lophura nycthemera", "Gallus gallus", "Psittacula alexandri",
               "Copsychus saularis"]  # fmt: skip
    b.table("Stations", [], ["Station", "Latitude", "Longitude", "Date"],
            [([f"P{i + 1}", lat, lon, f"2026-05-0{i + 1}"], None) for i, (lat, lon) in enumerate(places)])  # fmt: skip
    rows = []
    for i, name in enumerate(species):
        counts = [(i * 7 + j * 3) % 5 for j in range(5)]
        rows.append(([name, *[count or None for count in counts]], None))
        b.truths += [
            {"sheet": "Counts", "row": i + 2, "lat": places[j][0], "lon": places[j][1], "date": f"2026-05-0{j + 1}", "name": name, "count": count}
            for j, count in enumerate(counts) if count
        ]  # fmt: skip
    b.table("Counts", [], ["Species", "P1", "P2", "P3", "P4", "P5"], rows)
    b.plant("Counts", (3, "P2", COUNT, "x?"), (5, "P4", MANY, 90000))
    b.plant("Stations", (4, "Date", DATE, "2026-02-30"))
    b.truths = [t for t in b.truths if t["name"] not in (species[1], species[3]) and t["lat"] != places[2][0]]
    return b


@book
def mixed_dates() -> Book:
    """One column of dates in six forms, as several rangers typed it: some real dates, some texts."""
    b = Book("mixed_dates", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS", "RECORDED_DATE_INVALID"}))
    forms: list[Callable[[date], Any]] = [lambda d: at(d.year, d.month, d.day), lambda d: d.isoformat(),
                                          lambda d: d.strftime("%d %B %Y"), lambda d: d.strftime("%d-%b-%y"),
                                          lambda d: f"{d.day}/{d.month}/{d.year}", lambda d: d.strftime("%Y.%m.%d")]  # fmt: skip
    species = ["Sus scrofa", "Rusa unicolor", "Bos gaurus"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(4.62, 102.4, 18), days(date(2026, 3, 13), 18), strict=True)):
        rows.append(([f"TN{i}", forms[i % 6](day), species[i % 3], 1 + i % 3, lat, lon],
                     {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 3], "count": 1 + i % 3}))  # fmt: skip
    b.table("records", [], ["No.", "Date", "Species", "Number", "Lat", "Lon"], rows)
    b.plant("records", (5, "Date", DATE, "30/02/2026"), (9, "Date", DATE, "last week"),
            (11, "Date", DATE, "2062-03-22"), (14, "No.", SAME_ID, "TN3"), (16, "Lat", FAR | PLACE, 46.2, "Lon"))  # fmt: skip
    return b


@book
def gb18030_text() -> Book:
    """GB18030 CSV out of a Chinese Excel, with 省 and 国家."""
    b = Book("高黎贡山红外相机", form="csv", encoding="gb18030",
             proposed=frozenset({"NAME_COMMON", "ENCODING_GUESSED"}))  # fmt: skip
    species = [("羚牛", "Budorcas taxicolor"), ("赤麂", "Muntiacus muntjak"), ("云豹", "Neofelis nebulosa"),
               ("野猪", "Sus scrofa")]  # fmt: skip
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(25.3, 98.75, 14), days(date(2026, 5, 1), 14), strict=True)):
        zh, latin = species[i % 4]
        rows.append((
            [f"GLGS{i + 1:03d}", f"{day.year}/{day.month}/{day.day}", zh, latin, 1 + i % 2, lat, lon, "中国", "云南省", "百花岭"],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": latin, "count": 1 + i % 2},
        ))  # fmt: skip
    b.table(None, [], ["编号", "日期", "中文名", "拉丁名", "数量", "纬度", "经度", "国家", "省份", "小地名"], rows)
    b.plant(None, (4, "国家", COUNTRY, "缅甸"), (7, "日期", DATE, "2026/13/5"),
            (9, "经度", FAR | PLACE, 89.75, "纬度", "省份", "国家"), (11, "数量", COUNT, "多"))  # fmt: skip
    b.double(None, 13)
    return b


@book
def old_excel() -> Book:
    """.xls of 2003 with Excel's serial numbers as dates, and 'ID' as number."""
    b = Book(
        "taman_negara_2003",
        form="xls",
        proposed=frozenset({"NAME_COMMON", "RECORDED_DATE_EXCEL_SERIAL", "VALUE_READ_AS"}),
    )
    species = ["Helarctos malayanus", "Tapirus indicus", "Sus scrofa", "Macaca nemestrina"]
    rows = []
    for i, ((lat, lon), day) in enumerate(zip(about(4.6, 102.42, 14), days(date(2026, 6, 14), 14), strict=True)):
        rows.append(([3021 + i, day.isoformat(), species[i % 4], 1 + i % 3, lat, lon, "Kuala Tahan"],
                     {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 4], "count": 1 + i % 3}))  # fmt: skip
    b.table("Sheet1", [], ["ID", "Tarikh", "Nama saintifik", "Bilangan", "Latitud", "Longitud", "Lokasi"], rows)
    b.plant("Sheet1", (3, "Tarikh", DATE, "2026-06-31"), (6, "Longitud", NO_PLACE, None), (8, "ID", SAME_ID, 3022),
            (10, "Nama saintifik", NAME, "Tapirus indiccus"))  # fmt: skip
    return b


@book
def vegetation_plots() -> Book:
    """样地调查: trees with DBH, height, cover and stratum, the plot's cells merged downwards."""
    b = Book("veg_plots", proposed=frozenset({"NAME_COMMON", "MERGED_CELLS_FILLED"}))
    species = ["Castanopsis hystrix", "Schima wallichii", "Lithocarpus truncatus", "Pinus yunnanensis"]
    places = about(24.5, 101.0, 3)
    rows = []
    for i in range(18):
        lat, lon = places[i // 6]
        first = i % 6 == 0
        rows.append((
            [f"Q{i // 6 + 1}" if first else None, at(2026, 7, 3 + i // 6) if first else None, lat if first else None,
             lon if first else None, i + 1, species[i % 4], round(8.5 + i * 1.7, 1), 5 + i % 9, 20 + i, ["乔木层", "灌木层", "草本层"][i % 3]],
            {"lat": lat, "lon": lon, "date": f"2026-07-0{3 + i // 6}", "name": species[i % 4]},
        ))  # fmt: skip
    b.table(
        "样地",
        [],
        ["样方号", "调查日期", "纬度", "经度", "树号", "物种名", "胸径(cm)", "树高(m)", "盖度(%)", "层次"],
        rows,
    )
    for first in (2, 8, 14):
        b.merges += [("样地", f"{letter}{first}:{letter}{first + 5}") for letter in "ABCD"]
    b.plant("样地", (5, "胸径(cm)", frozenset({"MEASUREMENT_INVALID", "MEASUREMENT_UNLIKELY"}), "1O.5"),
            (10, "盖度(%)", frozenset({"MEASUREMENT_INVALID", "MEASUREMENT_UNLIKELY"}), 245),
            (12, "物种名", NAME, "Schima walichii"),
            (16, "树高(m)", frozenset({"MEASUREMENT_INVALID", "MEASUREMENT_UNLIKELY"}), -4))  # fmt: skip
    return b


@book
def point_counts() -> Book:
    """Point counts of birds with distance, a heading of two rows, English common names."""
    b = Book("point_counts", proposed=frozenset({"NAME_COMMON", "HEADING_ROWS_JOINED"}))
    places = about(14.4, 101.4, 4)
    species = ["Great Hornbill", "Red-whiskered Bulbul", "Gallus gallus", "Buceros bicornis"]
    species = ["Buceros bicornis", "Pycnonotus jocosus", "Gallus gallus", "Copsychus malabaricus"]
    rows = []
    for i in range(16):
        lat, lon = places[i // 4]
        rows.append((
            [f"PC{i // 4 + 1}", "2026-02-1" + str(i // 4), f"0{6 + i % 3}:30", lat, lon, species[i % 4], 1 + i % 3, 15 + 5 * i, "heard" if i % 2 else "seen"],
            {"lat": lat, "lon": lon, "date": "2026-02-1" + str(i // 4), "name": species[i % 4], "count": 1 + i % 3},
        ))  # fmt: skip
    b.table("Point counts", [["Point", None, None, "GPS", None, "Bird", None, None, None]],
            ["Point ID", "Date", "Time", "Latitude", "Longitude", "Species", "Number", "Distance (m)", "Detection"], rows)  # fmt: skip
    b.merges += [("Point counts", "A1:C1"), ("Point counts", "D1:E1"), ("Point counts", "F1:I1")]
    b.plant("Point counts", (5, "Distance (m)", DISTANCE, "far"), (8, "Number", COUNT, "3 or 4"),
            (10, "Latitude", FAR | PLACE, 41.4, "Longitude"), (13, "Date", NO_DATE, None))  # fmt: skip
    b.double("Point counts", 15)
    return b


@book
def kobo_animals() -> Book:
    """A Kobo export whose question names an animal, with groups, a point and personal columns that stay out."""
    b = Book("ranger_form_kobo")
    head = ["start", "end", "today", "username", "Your name", "_Where are you?_latitude", "_Where are you?_longitude",
            "_Where are you?_altitude", "_Where are you?_precision", "Which animal did you see?", "How many?", "_id", "_uuid",
            "_submission_time", "_index"]  # fmt: skip
    rows = []
    animals = ["wild boar", "barking deer", "sambar", "gaur"]
    for i, ((lat, lon), day) in enumerate(zip(about(15.5, 106.6, 12), days(date(2026, 2, 2), 12), strict=True)):
        rows.append((
            [f"{day}T08:00:00.000+07:00", f"{day}T08:05:00.000+07:00", day.isoformat(), "ranger1", "Somchai J.", lat, lon, 300 + i, 5,
             animals[i % 4], 1 + i % 3, 9000 + i, f"{i:08d}-aaaa-bbbb-cccc-1234567890ab", f"{day}T10:00:00", i + 1],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": animals[i % 4], "count": 1 + i % 3},
        ))  # fmt: skip
    b.table("ranger form", [], head, rows)
    for one in b.truths:
        one["local"] = True
    b.proposed = frozenset({"NAME_COMMON", "SCIENTIFIC_NAME_MISSING", "TAXON_MATCH_NONE", "COLUMNS_LEFT_OUT"})
    b.plant("ranger form", (5, "How many?", MANY | COUNT, 5000, "individualCount"),
            (8, "_Where are you?_longitude", FAR | PLACE, 16.6, "_Where are you?_latitude", "decimalLatitude", "decimalLongitude"),
            (10, "today", DATE, "2036-02-10", "eventDate"))  # fmt: skip
    return b


@book
def smart_query() -> Book:
    """SMART's query of observations as CSV: X and Y in degrees, patrol and waypoint, category and attributes."""
    b = Book("smart_query", form="csv", proposed=frozenset({"NAME_COMMON"}))
    rows = []
    species = ["Sus scrofa", "Muntiacus vaginalis", "Rusa unicolor", "Macaca leonina"]
    for i, ((lat, lon), day) in enumerate(zip(about(20.3, 103.4, 14), days(date(2026, 3, 13), 14), strict=True)):
        rows.append((
            [f"NEPL_{i // 4 + 1:06d}", "Foot", "Station A", day.strftime("%b %d, %Y"), f"{7 + i % 9:02d}:{10 + i}:00", i + 1, lon, lat,
             "Live Animals", species[i % 4], 1 + i % 3],
            {"lat": lat, "lon": lon, "date": day.isoformat(), "name": species[i % 4], "count": 1 + i % 3},
        ))  # fmt: skip
    b.table(None, [], ["Patrol ID", "Type", "Station", "Waypoint Date", "Waypoint Time", "Waypoint ID", "X", "Y", "Observation Category 0",
                       "Species", "Number of Animals"], rows)  # fmt: skip
    b.plant(None, (4, "X", FAR | PLACE, 20.31, "Y"), (7, "Waypoint Date", DATE, "Feb 30, 2026"),
            (9, "Number of Animals", COUNT, "few"), (11, "Waypoint Time", TIME | DATE, "27:15:00"))  # fmt: skip
    b.double(None, 13)
    return b


@book
def transposed_matrix() -> Book:
    """Stations down, species across, in Vietnamese names; the place and day of each station in its row."""
    b = Book("cat_ba_matrix", proposed=frozenset({"NAME_COMMON", "CROSS_TABLE_READ", "VALUE_READ_AS"}))
    species = ["lợn rừng", "hổ", "gà rừng", "voi châu Á"]
    rows = []
    for i, (lat, lon) in enumerate(about(20.8, 107.0, 8)):
        counts = [(i * 3 + j * 2) % 4 for j in range(4)]
        rows.append(([f"T{i + 1}", f"{13 + i}/03/2026", lat, lon, *counts], None))
        b.truths += [
            {"sheet": "Dem", "row": i + 2, "lat": lat, "lon": lon, "date": f"2026-03-{13 + i}", "name": species[j], "count": n, "local": True}
            for j, n in enumerate(counts) if n
        ]  # fmt: skip
    b.table("Dem", [], ["Tuyến", "Ngày", "Vĩ độ", "Kinh độ", *species], rows)
    b.plant("Dem", (3, "gà rừng", COUNT, "ba"), (5, "Ngày", DATE, "31/02/2026"),
            (7, "Kinh độ", FAR | PLACE, 170.0, "Vĩ độ"))  # fmt: skip
    return b


@book
def events_with_project() -> Book:
    """Project, events and records as a coordinator keeps them: licence, scope, zone and overlapping cameras."""
    b = Book("coordinator")
    b.sheets["Project"] = [["License", "Title"], ["CC BY-ND 4.0", "Nam Ha cameras"]]
    places = about(20.6, 101.9, 6)
    head = ["Event ID", "Site ID", "Camera ID", "Design", "Start date", "End date", "Latitude", "Longitude", "Time zone", "Target taxa",
            "Effort", "Effort unit"]  # fmt: skip
    rows = [
        ([f"E{i + 1}", f"S{i + 1}", f"C{i + 1}", "camera trap", f"2026-0{1 + i // 3}-0{1 + i}", f"2026-0{3 + i // 3}-0{1 + i}", lat, lon,
          "Asia/Vientiane", "Mammalia", 59, "trap-nights"], None)
        for i, (lat, lon) in enumerate(places)
    ]  # fmt: skip
    b.table("Events", [], head, rows)
    b.sheets["Events"].append(["E7", "S2", "C2", "camera trap", "2026-02-10", "2026-03-20", *places[1], "Asia/Vientiane", "Mammalia", 38,
                               "trap-nights"])  # fmt: skip
    species = ["Sus scrofa", "Muntiacus muntjak", "Panthera pardus"]
    records = [
        ([f"R{i + 1:03d}", f"E{1 + i % 6}", f"2026-02-{7 + i:02d}", species[i % 3], 1 + i % 2],
         {"lat": places[i % 6][0], "lon": places[i % 6][1], "date": f"2026-02-{7 + i:02d}", "name": species[i % 3], "count": 1 + i % 2})
        for i in range(18)
    ]  # fmt: skip
    b.table("Records", [], ["Record ID", "Event ID", "Date", "Scientific name", "Count"], records)
    b.plants.append(Plant("Project", 2, (), LICENCE))
    b.plant("Events", (8, "Camera ID", OVERLAP, AS_IT_IS), (4, "Time zone", ZONE, "Asia/Tokyo"),
            (5, "Target taxa", SCOPE, "Mamalia; Galiformes"), (6, "End date", NO_END, None),
            (7, "Effort", EFFORT, "about two months"))  # fmt: skip
    b.plant("Records", (5, "Event ID", NO_SITE, "E9"), (9, "Date", NO_DATE | DATE, "2025-02-14"),
            (12, "Record ID", SAME_ID, "R004"))  # fmt: skip
    return b


@book
def two_heading_rows() -> Book:
    """Chinese above English, groups joined above, notes and totals below."""
    b = Book("两行表头", proposed=frozenset({"NAME_COMMON", "HEADING_ROWS_JOINED"}))
    zh = ["记录编号", "日期", "学名", "数量", "纬度", "经度", "备注"]
    en = ["Record ID", "Date", "Scientific name", "Count", "Latitude", "Longitude", "Remarks"]
    species = ["Sus scrofa", "Muntiacus muntjak", "Gallus gallus"]
    rows = [
        ([f"BH{i + 1}", f"2026-06-{i + 1:02d}", species[i % 3], 1 + i % 3, lat, lon, None],
         {"lat": lat, "lon": lon, "date": f"2026-06-{i + 1:02d}", "name": species[i % 3], "count": 1 + i % 3})
        for i, (lat, lon) in enumerate(about(23.1, 104.3, 12))
    ]  # fmt: skip
    b.table("数据", [["2026年文山调查"], zh], en, rows)
    b.sheets["数据"] += [["合计", None, None, 24], ["注：经纬度为WGS84坐标系"]]
    b.plant("数据", (6, "Date", DATE, "2026-06-31"), (9, "Latitude", PLACE | FAR, "23.1.5", "Longitude"),
            (11, "Count", COUNT, "三五只"), (13, "Scientific name", NAME, "Sus scofa"))  # fmt: skip
    return b


@book
def thai_tis620() -> Book:
    """TIS-620 text of an old Thai program, year, month and day in columns, Buddhist years."""
    b = Book("khao_yai", form="csv", encoding="tis-620",
             proposed=frozenset({"NAME_COMMON", "ENCODING_GUESSED", "VALUE_READ_AS", "RECORDED_DATE_BUDDHIST_ERA"}))  # fmt: skip
    species = ["ช้างป่า", "หมูป่า", "เสือโคร่ง"]
    rows = [
        ([f"KY-{i + 101}", 2569, 2, i + 3, species[i % 3], 1 + i % 3, lat, lon],
         {"lat": lat, "lon": lon, "date": f"2026-02-{i + 3:02d}", "name": species[i % 3], "count": 1 + i % 3})
        for i, (lat, lon) in enumerate(about(14.4, 101.4, 12))
    ]  # fmt: skip
    b.table(None, [], ["รหัส", "ปี พ.ศ.", "เดือน", "วัน", "ชนิดสัตว์", "จำนวน", "ละติจูด", "ลองจิจูด"], rows)
    b.plant(None, (4, "เดือน", DATE, 13, "วัน", "ปี พ.ศ."), (6, "ปี พ.ศ.", DATE, 2596), (8, "ลองจิจูด", NO_PLACE, None),
            (10, "รหัส", SAME_ID, "KY-102"))  # fmt: skip
    return b


@book
def indonesian_semicolons() -> Book:
    """CSV with semicolons and decimal commas, dates in Indonesian words."""
    b = Book("way_kambas", form="csv", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS"}))
    months = ["Januari", "Februari", "Maret", "April", "Mei", "Juni"]
    species = ["Helarctos malayanus", "Tapirus indicus", "Sus scrofa", "Rusa unicolor"]
    lines = [";".join(["Kode", "Tanggal", "Jenis", "Jumlah", "Lintang", "Bujur", "Lokasi"])]
    for i, (lat, lon) in enumerate(about(-4.95, 105.75, 12)):
        cells = [f"WK{i + 1:02d}", f"{i + 5} {months[i % 6]} 2026", species[i % 4], str(1 + i % 3), str(lat).replace(".", ","),
                 str(lon).replace(".", ","), "Resort Margahayu"]  # fmt: skip
        truth = {"sheet": None, "row": i + 2, "lat": lat, "lon": lon, "date": f"2026-{i % 6 + 1:02d}-{i + 5:02d}",
                 "name": species[i % 4], "count": 1 + i % 3}  # fmt: skip
        if i == 2:
            cells[1] = "31 Februari 2026"
            b.plants.append(Plant(None, i + 2, ("Tanggal",), DATE))
        elif i == 5:
            cells[4] = "4,95"
            b.plants.append(Plant(None, i + 2, ("Lintang", "Bujur"), FAR | PLACE | {"PRESUMED_NEGATED_LATITUDE"}))
        elif i == 8:
            cells[3] = "banyak sekali"
            b.plants.append(Plant(None, i + 2, ("Jumlah",), COUNT))
        else:
            b.truths.append(truth)
        lines.append(";".join(cells))
    b.raw = ("\n".join(lines) + "\n").encode()
    b.sheets[None] = [line.split(";") for line in lines]
    return b


@book
def one_cell_coordinates() -> Book:
    """Degrees and decimal minutes in one cell, English common names, a merged day."""
    b = Book(
        "shan_plateau", proposed=frozenset({"NAME_COMMON", "MERGED_CELLS_FILLED", "COORDINATES_SPLIT", "VALUE_READ_AS"})
    )
    species = ["Wild boar", "Barking deer", "Sambar", "Tiger"]
    rows = []
    for i, (lat, lon) in enumerate(about(20.8, 97.0, 12)):
        told = f"N{int(lat)} {(lat % 1) * 60:.4f} E{int(lon)} {(lon % 1) * 60:.4f}"
        rows.append((
            [at(2026, 5, 3 + i // 4) if i % 4 == 0 else None, species[i % 4], 1 + i % 2, told, "tracks"],
            {"lat": lat, "lon": lon, "date": f"2026-05-0{3 + i // 4}", "name": species[i % 4], "count": 1 + i % 2, "local": True},
        ))  # fmt: skip
    b.table("Sightings", [], ["Date", "Animal", "Number", "GPS", "Evidence"], rows)
    b.merges += [("Sightings", f"A{r}:A{r + 3}") for r in (2, 6, 10)]
    b.plant("Sightings", (3, "GPS", PLACE, "N20 75.2000 E97 1.2000"), (5, "Animal", NO_NAME, None),
            (8, "GPS", FAR | PLACE, "N20 48.0000 E79 1.2000"), (11, "GPS", NO_PLACE, None))  # fmt: skip
    return b


@book
def utm_without_zone() -> Book:
    """Eastings and northings with the zone in the heading and one place in the neighbour's zone's numbers."""
    from pyproj import Transformer

    to_utm = Transformer.from_crs(4326, 32647, always_xy=True)
    b = Book("tak_utm", proposed=frozenset({"NAME_COMMON", "UTM_CONVERTED"}))
    species = ["หมูป่า", "เก้ง", "กวางป่า"]
    rows = []
    for i, (lat, lon) in enumerate(about(16.8, 98.9, 12)):
        east, north = to_utm.transform(lon, lat)
        rows.append((
            [i + 1, f"2026-01-{i + 4:02d}", species[i % 3], 1 + i % 3, round(east), round(north)],
            {"lat": lat, "lon": lon, "date": f"2026-01-{i + 4:02d}", "name": species[i % 3], "count": 1 + i % 3},
        ))  # fmt: skip
    b.table("พบสัตว์", [], ["ที่", "วันที่", "ชนิด", "จำนวน", "X (UTM 47N WGS84)", "Y (UTM 47N WGS84)"], rows)
    b.plant("พบสัตว์", (5, "X (UTM 47N WGS84)", PLACE | FAR, 89000, "Y (UTM 47N WGS84)"),
            (7, "Y (UTM 47N WGS84)", PLACE | FAR, 185700, "X (UTM 47N WGS84)"), (9, "วันที่", DATE, "2026-01-45"))  # fmt: skip
    return b


@book
def checklist_of_visits() -> Book:
    """Sites told once, visits on another sheet, records by site and day: the sheet of sites lacks one."""
    b = Book("sites_visits_records", proposed=frozenset({"NAME_COMMON"}))
    places = about(12.9, 106.9, 4)
    b.table(
        "Sites",
        [],
        ["Site code", "Latitude", "Longitude", "Habitat"],
        [([f"KT{i + 1}", *place, "evergreen"], None) for i, place in enumerate(places)],
    )
    rows = [
        ([f"KT{i % 4 + 1}", f"2026-03-{14 + i}", f"0{6 + i % 3}:15", ["Sus scrofa", "Gallus gallus", "Pavo muticus"][i % 3], 1 + i % 4],
         {"lat": places[i % 4][0], "lon": places[i % 4][1], "date": f"2026-03-{14 + i}", "name": ["Sus scrofa", "Gallus gallus", "Pavo muticus"][i % 3], "count": 1 + i % 4})
        for i in range(14)
    ]  # fmt: skip
    b.table("Observations", [], ["Site code", "Date", "Time", "Species", "Count"], rows)
    b.plant("Sites", (4, "Longitude", FAR | PLACE, 74.0, "Latitude"))
    b.truths = [t for t in b.truths if t["lat"] != places[2][0]]
    b.plant("Observations", (5, "Site code", NO_SITE, "KT9"), (8, "Date", NO_DATE, None),
            (10, "Species", NAME, "Pavo mutticus"))  # fmt: skip
    b.double("Observations", 12)
    return b


@book
def formulas_and_errors() -> Book:
    """Counts added up by formulas, a broken reference, a zero place, a garbled name."""
    b = Book("formulas")
    species = ["Sus scrofa", "Muntiacus muntjak", "Rusa unicolor"]
    rows = [
        ([f"F{i + 1}", f"2026-02-{i + 3:02d}", species[i % 3], 1 + i % 3, lat, lon, "Khao Luang"],
         {"lat": lat, "lon": lon, "date": f"2026-02-{i + 3:02d}", "name": species[i % 3], "count": 1 + i % 3})
        for i, (lat, lon) in enumerate(about(8.5, 99.7, 12))
    ]  # fmt: skip
    b.table(
        "data", [], ["Record code", "Survey date", "Scientific name", "Total count", "Lat", "Long", "Locality"], rows
    )
    b.plant("data", (4, "Total count", CELL_ERROR | COUNT, "#REF!"), (6, "Lat", PLACE, 0, "Long"))
    b.sheets["data"][5][5] = 0
    b.plant("data", (8, "Locality", GARBLED, "à¹€à¸‚à¸²à¸«à¸¥à¸§à¸‡"),
            (10, "Total count", CELL_ERROR | COUNT, "=D9+D8"), (12, "Survey date", DATE, "2026-02-00"))  # fmt: skip
    return b


@book
def ods_of_libreoffice() -> Book:
    """An .ods with Malay headings; the country is told and one place lies in another."""
    b = Book("belum", form="ods", proposed=frozenset({"NAME_COMMON"}))
    species = ["Helarctos malayanus", "Elephas maximus", "Panthera tigris"]
    rows = [
        ([f"BL{i + 11}", f"2026-08-{i + 3:02d}", species[i % 3], 1 + i % 3, lat, lon, "MY"],
         {"lat": lat, "lon": lon, "date": f"2026-08-{i + 3:02d}", "name": species[i % 3], "count": 1 + i % 3})
        for i, (lat, lon) in enumerate(about(5.5, 101.4, 12))
    ]  # fmt: skip
    b.table(
        "Rekod",
        [],
        ["Kod rekod", "Tarikh", "Nama saintifik", "Bilangan individu", "Latitud", "Longitud", "Kod negara"],
        rows,
    )
    b.plant("Rekod", (4, "Latitud", FAR, 15.5, "Kod negara"), (7, "Tarikh", DATE, "2026-08-32"),
            (9, "Kod rekod", SAME_ID, "BL12"))  # fmt: skip
    b.raw = old_workbooks.ods(Rekod=b.sheets["Rekod"])
    return b


@book
def thai_two_tables() -> Book:
    """Camera stations and pictures in Thai, hours beside dates, hours like 7.45 น., the count left blank where one."""
    b = Book("ดงพญาเย็น", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS", "RECORDED_DATE_BUDDHIST_ERA"}))
    places = about(14.25, 101.9, 5)
    b.table("จุดตั้งกล้อง", [["ตารางจุดตั้งกล้องดักถ่ายภาพ ปี 2569"]], ["รหัสจุด", "ละติจูด", "ลองจิจูด", "วันที่ติดตั้ง", "วันที่เก็บกล้อง"],
            [([f"DP{i + 1:02d}", *place, "05/01/2569", "20/03/2569"], None) for i, place in enumerate(places)])  # fmt: skip
    species = ["เก้ง", "หมูป่า", "เสือโคร่ง", "กวางป่า"]
    rows = [
        ([f"DP{i % 5 + 1:02d}", f"{13 + i}/01/2569", f"{7 + i % 9}.45 น.", species[i % 4], 1 + i % 2],
         {"lat": places[i % 5][0], "lon": places[i % 5][1], "date": f"2026-01-{13 + i}", "name": species[i % 4], "count": 1 + i % 2})
        for i in range(16)
    ]  # fmt: skip
    b.table("ภาพถ่าย", [], ["รหัสจุด", "วันที่", "เวลา", "ชนิดสัตว์", "จำนวน(ตัว)"], rows)
    b.plant("จุดตั้งกล้อง", (4, "วันที่เก็บกล้อง", ENDS | DATE, "20/12/2568"))
    b.truths = [t for t in b.truths if (t["row"] - 2) % 5 != 1]
    b.plant("ภาพถ่าย", (4, "รหัสจุด", NO_SITE, "DP91"), (6, "วันที่", DATE, "45/01/2569"),
            (9, "วันที่", DATE, "15/11/2568"), (11, "ชนิดสัตว์", NO_NAME, None), (13, "จำนวน(ตัว)", MANY, 1500))  # fmt: skip
    return b


@book
def smart_patrols() -> Book:
    """SMART's table of patrols as CSV: effort of each patrol beside what it saw, Vietnamese computer."""
    b = Book("smart_patrols", form="csv", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS"}))
    species = ["Sus scrofa", "Muntiacus vaginalis", "Macaca arctoides"]
    rows = [
        ([f"PM_{i // 3 + 1:06d}", f"{13 + i // 3:02d}/04/2026", f"{13 + i // 3:02d}/04/2026", f"{6.5 + i // 3:.1f}", "Observation", species[i % 3], 1 + i % 4, lat, lon],
         {"lat": lat, "lon": lon, "date": f"2026-04-{13 + i // 3}", "name": species[i % 3], "count": 1 + i % 4})
        for i, (lat, lon) in enumerate(about(18.9, 104.7, 15))
    ]  # fmt: skip
    b.table(None, [], ["Patrol ID", "Patrol Start Date", "Patrol End Date", "Patrol Length (km)",
                       "Observation Category", "Species", "Count", "Latitude", "Longitude"], rows)  # fmt: skip
    b.plant(None, (5, "Patrol Start Date", DATE, "31/04/2026", "Patrol End Date"), (8, "Latitude", NO_PLACE, None),
            (10, "Count", COUNT, "herd"), (13, "Longitude", FAR | PLACE, 140.7, "Latitude"))  # fmt: skip
    return b


@book
def burmese_matrix() -> Book:
    """Species x villages by name, totals in the last row and column."""
    b = Book("village_matrix", proposed=frozenset({"NAME_COMMON", "CROSS_TABLE_READ", "VALUE_READ_AS"}))
    names = ["Myitsone", "Tanai", "Shinbwiyang", "Namyun"]
    places = about(26.1, 96.9, 4)
    b.table(
        "Villages",
        [],
        ["Village", "Latitude", "Longitude", "Date"],
        [([n, *p, f"2026-01-1{i + 3}"], None) for i, (n, p) in enumerate(zip(names, places, strict=True))],
    )
    species = ["တောဝက်", "ဆင်", "ချေ", "ကျား", "ဒေါင်း"]
    rows = []
    for i, one in enumerate(species):
        counts = [(i * 2 + j * 3) % 5 for j in range(4)]
        rows.append(([one, *counts, sum(counts)], None))
        b.truths += [
            {"sheet": "Sightings", "row": i + 2, "lat": places[j][0], "lon": places[j][1], "date": f"2026-01-1{j + 3}", "name": one, "count": n, "local": True}
            for j, n in enumerate(counts) if n
        ]  # fmt: skip
    b.table("Sightings", [], ["Species", *names, "Total"], rows)
    b.sheets["Sightings"].append(["Total", *[sum(r[j] for r in b.sheets["Sightings"][1:]) for j in range(1, 6)]])
    b.plant("Sightings", (3, "Tanai", COUNT, "many?"), (5, "Namyun", COUNT, -3))
    b.plant("Villages", (4, "Date", DATE, "2026-13-15"))
    b.truths = [t for t in b.truths if t["lat"] != places[2][0]]
    return b


@book
def amphibian_transects() -> Book:
    """Herpetologists: voucher numbers, SVL and mass as measurements, accuracy, elevation with units, habitats."""
    b = Book("herps_2026", proposed=frozenset({"NAME_COMMON", "VALUE_READ_AS"}))
    species = ["Microhyla heymonsi", "Polypedates megacephalus", "Limnonectes kuhlii", "Calotes versicolor"]
    rows = [
        ([f"HNU-{4501 + i}", f"{20 + i}:1{i % 6}" if i < 4 else f"0{i - 4}:1{i % 6}", f"2026-07-{i + 5:02d}", species[i % 4], round(21.5 + i * 2.3, 1), round(1.2 + i / 7, 2),
          lat, lon, f"{640 + 10 * i} m", "±5 m", "stream"],
         {"lat": lat, "lon": lon, "date": f"2026-07-{i + 5:02d}", "name": species[i % 4]})
        for i, (lat, lon) in enumerate(about(22.3, 103.8, 13))
    ]  # fmt: skip
    b.table("Specimens", [], ["Field no.", "Time", "Date", "Species", "SVL (mm)", "Mass (g)", "Lat", "Long",
                              "Elevation", "GPS accuracy", "Habitat"], rows)  # fmt: skip
    b.plant("Specimens", (4, "SVL (mm)", frozenset({"MEASUREMENT_INVALID"}), "2O.1"),
            (6, "Field no.", SAME_ID | DOUBLE, "HNU-4502"), (8, "Date", DATE, "2026-07-320"),
            (10, "Species", NAME, "Microhyla heymonsii"), (12, "Lat", FAR | PLACE, 32.3, "Long"))  # fmt: skip
    return b


@book
def occupancy_visits() -> Book:
    """Stations with repeated deployments, pictures joined by station and day."""
    b = Book("repeat_deployments", proposed=frozenset({"NAME_COMMON"}))
    places = about(15.9, 106.9, 4)
    rows = [
        (
            [f"ST-{i % 4 + 1}", f"CAM{i % 4 + 1}", *places[i % 4], f"2026-0{1 + 2 * (i // 4)}-05",
             f"2026-0{2 + 2 * (i // 4)}-20"],
            None,
        )
        for i in range(8)
    ]  # fmt: skip
    b.table("Deployments", [], ["Station", "Camera", "Latitude", "Longitude", "Start date", "End date"], rows)
    species = ["Sus scrofa", "Muntiacus vuquangensis", "Nomascus annamensis"]
    pictures = [
        ([f"ST-{i % 4 + 1}", f"2026-0{1 + 2 * (i % 2)}-1{i % 9} 0{i % 9}:15", species[i % 3], 1 + i % 2],
         {"lat": places[i % 4][0], "lon": places[i % 4][1], "date": f"2026-0{1 + 2 * (i % 2)}-1{i % 9}", "name": species[i % 3], "count": 1 + i % 2})
        for i in range(16)
    ]  # fmt: skip
    b.table("Pictures", [], ["Station", "Date time", "Species", "Count"], pictures)
    b.plant("Deployments", (8, "End date", ENDS, "2025-04-20"))
    b.plant("Pictures", (4, "Date time", DATE, "2026-09-12 02:15"), (7, "Station", NO_SITE, "ST-44"),
            (9, "Species", NAME, "Sus scroffa"))  # fmt: skip
    b.truths = [t for t in b.truths if t["lat"] != places[2][0]]
    return b

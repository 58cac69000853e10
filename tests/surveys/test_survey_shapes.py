"""Sheets in the shapes that teams send: what place, day, taxon and count each record has then."""

import pytest

from biodata.ingest.survey import observations
from biodata.ingest.survey_tables import read_survey
from sheets import book_of, bytes_of

BIRDS = "P1,2025-03-02,21.1,101.2,Pycnonotus jocosus", "P1,2025-03-02,21.1,101.2,Alophoixus pallidus"
AT_P1 = {"eventDate": "2025-03-02", "decimalLatitude": "21.1"}
STATIONS = "Station,Lat,Long\nP1,21.1,101.2\nP2,21.2,101.3\nP3,21.3,101.4"


def sheet(heading, *rows):
    return {"sheet": "\n".join((heading, *rows))}


def counted(*more):
    return sheet(
        "Point,Date,Lat,Long,Species," + more[0],
        *(f"{bird},{cells}" for bird, cells in zip(BIRDS, more[1:], strict=True)),
    )


def of_row(count):
    return {**AT_P1, "locationID": "P1", "individualCount": count}


SHAPES = {
    "adults and young are summed": (counted("Adults,Young", "4,1", "2,"), [of_row("5"), of_row("2")]),
    "a total beside them counts": (counted("成体,幼体,合计", "4,1,5", "2,,2"), [of_row("5"), of_row("2")]),
    "the sexes and young": (counted("Male,Female,Juv.", "1,1,2", "0,1,-"), [of_row("4"), of_row("1")]),
    "adults beside the sexes are not counted twice": (counted("Adults,Young,Male,Female", "2,1,1,1", "1,,,1"),
                                                      [{"individualCount": None}] * 2),
    "no part is told of a row": (counted("Adults,Young", "-,", "2,"), [of_row(None), of_row("2")]),
    "bands of distance": (counted("0-25 m,25-50 m,>50 m", "1,2,", ",1,1"), [of_row("3"), of_row("2")]),
    "bands without a unit": (counted("0–25,25–50,50–100", "1,,3", ",1,"), [of_row("4"), of_row("1")]),
    "bands beside a count": (counted("0-25 m,25-50 m,Count", "1,2,3", ",1,1"), [of_row("3"), of_row("1")]),
    "a count that is no number stands as it came": (counted("Adults,Young", "several,1", "2,"),
                                                    [of_row("several + 1"), of_row("2")]),
    "ditto signs": (
        sheet("Date,Site,Lat,Long,Species,Count", "2025-03-02,L1,21.1,101.2,Sus scrofa,1", "〃,〃,〃,〃,Bos gaurus,3", "ditto,ditto,ditto,ditto,Bos gaurus,2"),
        [{**AT_P1, "locationID": "L1", "individualCount": n} for n in "132"],
    ),
    "a day inside the title": (
        sheet("Bird survey 12 March 2025,,", "Species,Count,Remarks", "Gallus gallus,2,near 5 houses", "Pavo muticus,1,seen 3 times"),
        [{"eventDate": "12 March 2025", "individualCount": "2"}, {"eventDate": "12 March 2025"}],
    ),
    "a genus is written in full once": (
        sheet("Date,Lat,Long,Scientific name", *(f"2025-03-02,21.1,101.2,{name}" for name in ("Channa striata", "C. striata", "C. gachua"))),
        [{"scientificName": "Channa striata"}, {"scientificName": "Channa striata"}, {"scientificName": "C. gachua"}],
    ),
    "a patrol's days beside the day of the record": (
        sheet("วันที่เริ่มลาดตระเวน,วันที่สิ้นสุดลาดตระเวน,วันที่ของจุด,X,Y,ชื่อวิทยาศาสตร์", *["2025-01-06,2025-01-08,2025-01-07,99.3,15.3,Rusa unicolor"] * 3),
        [{"eventDate": "2025-01-07", "deploymentStart": "2025-01-06", "deploymentEnd": "2025-01-08"}] * 3,
    ),
    "the numbers of the rows before a cross-table in native digits": (
        {"sites": STATIONS, "counts": "No.,Species,P1,P2,P3\n1,Gallus gallus,០,-,៣\n2,Pavo muticus,១,,\n3,Sus scrofa,,-,០"},
        [
            {"locationID": "P1", "scientificName": "Gallus gallus", "individualCount": "០", "decimalLatitude": "21.1"},
            {"locationID": "P1", "scientificName": "Pavo muticus", "individualCount": "១"},
            {"locationID": "P3", "scientificName": "Gallus gallus", "individualCount": "៣", "decimalLatitude": "21.3"},
            {"locationID": "P3", "scientificName": "Sus scrofa", "individualCount": "០"},
        ],
    ),
    "checks of nests, which a list places and names": (
        {"nests": "Nest ID,Species,Scientific name,Lat,Long,Found\nTM1-01,Great Ibis,Thaumatibis gigantea,21.1,101.2,2025-01-02\nTM1-02,Crane,Antigone antigone,21.2,101.3,2025-01-03\nTM1-03,Crane,Antigone antigone,21.3,101.4,2025-01-04", "checks": "Nest ID,Visit,Date,Species\n" + "\n".join(f"TM1-0{n},{v},2025-03-0{v},{name}" for n, name in ((1, "Great Ibis"), (2, "Crane")) for v in (1, 2))},
        [
            *({"eventDate": f"2025-01-0{n + 1}", "decimalLatitude": f"21.{n}"} for n in (1, 2, 3)),
            *({"eventDate": f"2025-03-0{v}", "eventID": f"TM1-0{n} {v}", "decimalLatitude": f"21.{n}", "vernacularName": local, "scientificName": name}
              for n, local, name in ((1, "Great Ibis", "Thaumatibis gigantea"), (2, "Crane", "Antigone antigone")) for v in (1, 2)),
        ],
    ),
    "plots with two censuses": (
        {"plots": "ແປງ,Lat,Long,ວັນທີ 2019,ວັນທີ 2024\nK-1,18.3,102.8,2019-02-11,2024-02-12\nK-2,18.4,102.9,2019-02-12,2024-02-13", "trees": "ແປງ,ຊື່ວິທະຍາສາດ,DBH\nK-1,Shorea siamensis,11\nK-2,Shorea obtusa,20"},
        [{"eventDate": "2024-02-12", "decimalLatitude": "18.3"}, {"eventDate": "2024-02-13", "decimalLatitude": "18.4"}],
    ),
    "of which young, and shares of the sum, are no records": (
        {"sites": STATIONS, "counts": "学名,P1,P2,P3,其中:幼鸟\nGrus nigricollis,5,,,2\n其中:幼鸟,2,,,\nGrus grus,,0,1,\n占比(%),83.3,,16.7,"},
        [
            {"locationID": "P1", "scientificName": "Grus nigricollis", "individualCount": "5"},
            *({"locationID": p, "scientificName": "Grus grus", "individualCount": n} for p, n in (("P2", "0"), ("P3", "1"))),
        ],
    ),
    "a sheet a station": (
        {"stations": STATIONS, **dict.fromkeys(("P1", "P2", "P3"), "Date,Species,Count\n2025-03-02,Gallus gallus,2")},
        [{"locationID": f"P{n}", "decimalLatitude": f"21.{n}", "individualCount": "2"} for n in (1, 2, 3)],
    ),
    "stations under a heading of nothing": (
        {"stations": STATIONS.replace("Station", "รหัสเส้น"), "records": "ว/ด/ป,เส้น,ชื่อวิทยาศาสตร์,รวม\n2025-03-02,P1,Gallus gallus,2\n2025-03-02,P2,Gallus gallus,4"},
        [{"locationID": "P1", "decimalLatitude": "21.1"}, {"locationID": "P2", "decimalLatitude": "21.2"}],
    ),
    "sections of a line are no stations": (
        {"stations": STATIONS, "records": "Date,Station,Species,Sec 1,Sec 2,Sec 3,Total\n2025-03-02,P1,Gallus gallus,2,,,2\n2025-03-02,P2,Gallus gallus,,1,,1"},
        [{"locationID": "P1", "individualCount": "2"}, {"locationID": "P2", "individualCount": "1"}],
    ),
    "lines by their start": (
        {"lines": "Line,Start lat,Start long,End lat,End long\nT1,21.1,101.2,21.2,101.3\nT2,21.3,101.2,21.4,101.3", "records": "Line,Date,Species\nT1,2025-03-02,Sus scrofa\nT2,2025-03-02,Sus scrofa"},
        [{"decimalLatitude": "21.1", "decimalLongitude": "101.2"}, {"decimalLatitude": "21.3"}],
    ),
    "codes of taxa in a list of their own": (
        {"taxa": "Code,Name,Scientific name\nA1,Gaur,Bos gaurus\nA2,Boar,Sus scrofa", "records": "Date,Lat,Long,Code,Count\n2025-03-02,21.1,101.2,A2,1\n2025-03-03,21.1,101.2,A1,2"},
        [{"scientificName": "Sus scrofa", "individualCount": "1"}, {"scientificName": "Bos gaurus"}],
    ),
    "codes of taxa above the headings": (
        sheet("GT = green turtle (Chelonia mydas); HB = hawksbill (Eretmochelys imbricata). GPS WGS84,,,", "Date,Lat,Long,Species", "2025-03-02,6.1,118.1,HB", "2025-03-03,6.1,118.1,GT"),
        [{"scientificName": "Eretmochelys imbricata"}, {"scientificName": "Chelonia mydas"}],
    ),
    "a summary is no sheet of records": (
        {"records": "Date,Lat,Long,Species,Count\n2025-03-02,21.1,101.2,Sus scrofa,1\n2025-03-02,21.1,101.2,Bos gaurus,2", "Summary": "Village,Species,Signs\nA,Sus scrofa,3\nB,Sus scrofa,4"},
        [{"scientificName": "Sus scrofa", "individualCount": "1"}, {"scientificName": "Bos gaurus"}],
    ),
    "sightings name the walk that a log dates, with its beginning and end": (
        {"lines": "Transect,Start lat,Start long,Length (km)\nUT1,4.5,115.1,2.4\nUT2,4.6,115.2,2.0", "walks": "Walk,Transect,Date,Start,End\n" + "\n".join(f"W{n:02},UT{n % 2 + 1},{10 + n}/01/2024,06:{n}0,09:30" for n in range(1, 6)) + "\n" + "\n".join(f"W{n:02},UT{n % 2 + 1},{10 + n}/01/2024,06:00,09:30" for n in range(6, 12)),
         "sightings": "ID,Walk,Time,Species,Lat,Long\nS1,W02,07:10,Sus scrofa,4.51,115.11\nS2,W02,07:20,Bos gaurus,4.52,115.11\nS3,W03,08:00,Sus scrofa,4.61,115.2"},
        [{"eventID": f"W0{n}", "eventDate": f"1{n}/01/2024", "eventTime": at, "decimalLatitude": north} for n, at, north in ((2, "07:10", "4.51"), (2, "07:20", "4.52"), (3, "08:00", "4.61"))],
    ),
    "a title names the one taxon": (
        sheet("Crane nests (Antigone antigone) 2022,,", "Nest,Lat,Long,Date", "N1,16.6,95.1,2022-09-07", "N2,16.7,95.2,2022-09-08", "North total,,,2"),
        [{"scientificName": "Antigone antigone", "decimalLatitude": "16.6"}, {"decimalLatitude": "16.7"}],
    ),
    "a zone of UTM in each row": (
        {"lines": "Line,UTM zone\nT1,47P\nT2,47P", "records": "Line,Date,Species,โซน,X (E),Y (N)\nT1,2024-03-01,Sus scrofa,47P,755416,1601829\nT2,2024-03-02,Sus scrofa,48P,755416,1601829"},
        [{"decimalLongitude": "101.3695426"}, {"decimalLongitude": "107.3695426"}],
    ),
    "metres of UTM with a word beside the unit": (
        {"sites": "Station,UTM zone,\"X (east, m)\",\"Y (north, m)\"\nP1,48Q,528364,1984323\nP2,48Q,530208,1982956", "records": "Station,Date,Species\nP1,2025-03-02,Sus scrofa\nP2,2025-03-02,Sus scrofa"},
        [{"decimalLatitude": "17.9468"}, {"decimalLatitude": "17.9344"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sheets", "records"), SHAPES.values(), ids=list(SHAPES))
def test_a_shape(sheets, records):
    survey = read_survey([(f"{name}.csv", text.encode()) for name, text in sheets.items()])
    rows = [row for one in observations(survey) for row in one.frame.iter_rows(named=True)]
    kept = [
        {
            term: str(row.get(term))[:7] if term == "decimalLatitude" and row.get(term) else row.get(term)
            for term in want
        }
        for row, want in zip(rows, records, strict=True)
    ]
    assert kept == records


def test_headings_that_are_stations_of_another_sheet_are_these_though_all_begin_alike():
    counts = [["Species", "Site 1", "Site 2", "Site 3"], ["Tor sinensis", 3, 7, 1], ["Channa striata", 2, 4, 9],
              ["Garra cambodgiensis", 5, 1, 6]]  # fmt: skip
    sites = [["Site", "Latitude", "Longitude"], *([f"Site {n}", 17.8 + n / 50, 105.05] for n in (1, 2, 3))]
    survey = read_survey([("fish.xlsx", bytes_of(book_of({"Sheet": counts, "Sites": sites})))])
    records = [row for one in observations(survey) for row in one.frame.to_dicts()]
    assert {row["locationID"] for row in records} == {"Site 1", "Site 2", "Site 3"}
    assert len(records) == 9


def test_stations_stand_above_a_cross_table_with_their_place_and_days():
    rows = (["中文名", "学名", "胡叶林", None, "温家屯", None], [None, None, "N26.8612", None, "N26.8447", None],
                [None, None, "E104.2113", None, "E104.2296", None], [None, None, *["2022/12/10", "2023/1/14"] * 2],
                ["黑颈鹤", "Grus nigricollis", 14, None, 0, 127], ["灰鹤", "Grus grus", 11, None, None, 98])  # fmt: skip
    merges = ("A1:A4", "B1:B4", "C1:D1", "E1:F1", "C2:D2", "E2:F2", "C3:D3", "E3:F3")
    survey = read_survey([("birds.xlsx", bytes_of(book_of({"Sheet": rows}, merges)))])
    terms = ("scientificName", "locationID", "decimalLatitude", "decimalLongitude", "eventDate", "individualCount")
    found = [tuple(row[term] for term in terms) for one in observations(survey) for row in one.frame.to_dicts()]
    first, second = ("胡叶林", "N26.8612", "E104.2113"), ("温家屯", "N26.8447", "E104.2296")
    assert found == [("Grus nigricollis", *first, "2022/12/10", "14"), ("Grus grus", *first, "2022/12/10", "11"),
                     ("Grus nigricollis", *second, "2022/12/10", "0"),
                     ("Grus nigricollis", *second, "2023/1/14", "127"), ("Grus grus", *second, "2023/1/14", "98")]  # fmt: skip


def test_the_end_of_a_deployment_is_the_other_later_date():
    rows = "\n".join(f"P{n},C{n},2024-02-0{n},2024-04-0{n},21.{n},101.2" for n in (1, 2, 3, 4))
    sites = f"ຈຸດ,ເລກກ້ອງ,ວັນຕັ້ງ,ວັນເກັບ,Lat,Long\n{rows}"
    records = "ຈຸດ,ວັນທີ,ຊື່ວິທະຍາສາດ\nP1,2024-02-11,Sus scrofa\nP2,2024-03-11,Sus scrofa"
    survey = read_survey([("cameras.csv", sites.encode()), ("photos.csv", records.encode())])
    (events,) = survey.of("events")
    assert events.frame["deploymentEnd"].to_list() == ["2024-04-01", "2024-04-02", "2024-04-03", "2024-04-04"]
    assert [one.code for one in survey.findings if one.blocking] == []

"""The other services that `biodata pull` asks, as their documentation says that they answer, on one stub; `python -m` runs it."""

import csv
import io
import json
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import Affine

import stub_gbif

TOKEN = "t0ken-of-the-stub"
LAOS = "11111111-2222-4333-8444-555555555555"
SEA = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
EBIRD = "x-ebirdapitoken"
JOB = "0a1b2c3d-0000-4000-8000-000000000001"
ALIENS = [
    ("1", "Mimosa pigra L.", "Plantae", "invasive"),
    ("2", "Pomacea canaliculata (Lamarck, 1822)", "Animalia", "Invasive"),
    ("3", "Tectona grandis L.f.", "Plantae", ""),
]
_META = """<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">
{core}
{extensions}</archive>"""
_FILE = """<{tag} encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"
 rowType="{kind}"><files><location>{name}</location></files><{key} index="0"/>{fields}</{tag}>"""
_DWC = "http://rs.tdwg.org/dwc/terms/"
_GBIF = "http://rs.gbif.org/terms/1.0/"


def _file(tag, name, kind, terms):
    fields = "".join(f'<field index="{at}" term="{term}"/>' for at, term in enumerate(terms, 1))
    return _FILE.format(tag=tag, name=name, kind=kind, fields=fields, key="id" if tag == "core" else "coreid")


def archive(aliens=ALIENS, *, distribution=True):
    """Return a checklist as the Global Register publishes it."""
    core = _file("core", "taxon.txt", f"{_DWC}Taxon", [_DWC + t for t in ("scientificName", "kingdom", "taxonRank")])
    where = [_DWC + t for t in ("countryCode", "occurrenceStatus", "establishmentMeans")]
    extensions = _file("extension", "distribution.txt", f"{_GBIF}Distribution", where)
    extensions += _file(
        "extension", "speciesprofile.txt", f"{_GBIF}SpeciesProfile", [f"{_GBIF}isInvasive", f"{_DWC}habitat"]
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("meta.xml", _META.format(core=core, extensions=extensions if distribution else ""))
        zipped.writestr("eml.xml", "<eml><dataset><title>GRIIS</title></dataset></eml>")
        lines = ["id\tscientificName\tkingdom\ttaxonRank", *(f"{i}\t{name}\t{k}\tSPECIES" for i, name, k, _ in aliens)]
        zipped.writestr("taxon.txt", "\n".join(lines) + "\n")
        lines = [
            "id\tcountryCode\toccurrenceStatus\testablishmentMeans",
            *(f"{i}\tLA\tPresent\tAlien" for i, *_ in aliens),
        ]
        zipped.writestr("distribution.txt", "\n".join(lines) + "\n")
        lines = ["id\tisInvasive\thabitat", *(f"{i}\t{invasive}\tTerrestrial" for i, *_, invasive in aliens)]
        zipped.writestr("speciesprofile.txt", "\n".join(lines) + "\n")
    return stream.getvalue()


def _json(told, status=200):
    return status, {}, json.dumps(told).encode()


def _paged(rows, name, size, query, key="page"):
    start = (int(query.get(key, ["1"])[0]) - 1) * size
    return _json({name: rows[start : start + size]})


def _after(rows, name, query, key, size):
    last = query.get(key, [""])[0]
    ids = [str(row["id"]) for row in rows]
    start = ids.index(last) + 1 if last in ids else 0
    return _json({"total": len(rows), "total_results": len(rows), name: rows[start : start + size]})


def _with_token(page, header="authorization"):
    def answer(query, headers):
        if headers.get(header, "").removeprefix("Bearer ") != TOKEN:
            return _json({"error": "Token is invalid"}, 401)
        return page(query)

    return answer


def sites(count):
    square = [[[101.0, 20.0], [101.2, 20.0], [101.2, 20.2], [101.0, 20.2], [101.0, 20.0]]]
    return [
        {
            "site_id": n, "site_pid": f"{n}_A", "name_english": f"Nam Ha {n}", "name": f"ນ້ຳຫ້າ {n}", "site_type": "PA",
            "designation": {"name": "National Protected Area", "jurisdiction": {"name": "National"}},
            "iucn_category": {"name": "VI"}, "legal_status": {"name": "Designated"}, "reported_area": "2224.0",
            "legal_status_updated_at": "29/10/1993", "countries": [{"name": "Laos", "iso_3": "LAO"}],
            "governance": {"governance_type": "Federal or national ministry or agency"}, "realm": {"name": "Terrestrial"},
            "geojson": {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": square}},
        }
        for n in range(1, count + 1)
    ]  # fmt: skip


def assessments(*categories):
    """Return names with their category as the Red List has them."""
    return [
        {"sis_taxon_id": n, "taxon_scientific_name": name, "red_list_category_code": code, "assessment_id": n, "latest": True,
         "year_published": "2020", "url": f"https://www.iucnredlist.org/species/{n}/{n}"}
        for n, (name, code) in enumerate(categories, 1)
    ]  # fmt: skip


def seen(count):
    return [
        {"id": n, "uri": f"https://www.inaturalist.org/observations/{n}", "observed_on": "2020-03-01", "license_code": "cc-by",
         "obscured": n % 2 == 0, "location": "20.5,101.5" if n % 5 else "16.0,108.0", "public_positional_accuracy": 28000,
         "user": {"login": "ranger"}, "taxon": {"name": "Macaca mulatta", "rank": "species"}}
        for n in range(1, count + 1)
    ]  # fmt: skip


def tile(west, south, degrees, cells):
    """Return a tile of a global raster as a cloud-optimised GeoTIFF."""
    grid = Affine(degrees / cells.shape[1], 0.0, west, 0.0, -degrees / cells.shape[0], south + degrees)
    profile = {"driver": "COG", "width": cells.shape[1], "height": cells.shape[0], "count": 1, "dtype": cells.dtype}
    with MemoryFile() as file:
        with file.open(**profile, crs="EPSG:4326", transform=grid, blocksize=128, compress="deflate") as raster:
            raster.write(cells, 1)
        return file.read()


def slope(west):
    """Return the heights of a tile of one degree: 1 m for each 0.01° east of 100° E."""
    longitudes = west + (np.arange(400) + 0.5) / 400
    return np.repeat(((longitudes[None] - 100) * 100).astype("float32"), 400, axis=0)


def birds(day, region):
    """Return what eBird's API has of a day."""
    place = {"locId": "L1", "locName": "Nam Ha", "lat": 20.5, "lng": 101.5, "countryCode": region[:2]}
    names = [("OBS1", "Parus major"), ("OBS2", "Buceros bicornis")]
    return [
        {"speciesCode": key, "comName": "A bird", "sciName": name, "obsDt": f"{day} 07:30", "subId": "S1", "obsId": f"{key}-{day}", **place}
        for key, name in names
    ]  # fmt: skip


def basic_dataset(day):
    """Return a Basic Dataset file of eBird: two records of a day in Laos and Yunnan, one of Hunan, one of another century."""
    headings = ["GLOBAL UNIQUE IDENTIFIER", "SCIENTIFIC NAME", "COMMON NAME", "OBSERVATION COUNT", "COUNTRY CODE", "STATE", "LOCALITY",
                "LOCALITY ID", "LATITUDE", "LONGITUDE", "OBSERVATION DATE", "TIME OBSERVATIONS STARTED",
                "SAMPLING EVENT IDENTIFIER", "OBSERVER ID", "ALL SPECIES REPORTED"]  # fmt: skip
    rows = [
        (f"URN:CornellLabOfOrnithology:EBIRD:OBS{n}-{day}", "Parus major", "Great Tit", "X", country, state, "Nam Ha", "L1", "20.5",
         "101.5", one, "07:30:00", "S1", "obs1", "1")
        for n, country, state, one in ((1, "LA", "Louangnamtha", day), (3, "CN", "Yunnan", day),
                                       (4, "CN", "Hunan", day), (5, "LA", "", "1999-01-01"))
    ]  # fmt: skip
    return "\n".join("\t".join(row) for row in [headings, *rows]) + "\n"


# The sample's land cover has IGBP's classes; WorldCover's are these.
_COVER = {1: 10, 2: 10, 4: 10, 5: 10, 8: 20, 10: 30, 12: 40, 13: 50, 14: 40, 16: 60, 17: 80}


def serve_sample(stub, sample):
    """Let the services have what the folder of the sample has: its records, its areas, and its ground around China and Laos."""
    stub.archive, stub.polls_until_ready = (sample / "occurrences_gbif.zip").read_bytes(), 0
    features = json.loads((sample / "protected_areas.geojson").read_text(encoding="utf-8"))["features"]
    stub.sites = [
        {"site_id": one["SITE_ID"], "site_pid": one["SITE_PID"], "name_english": one["NAME_ENG"], "name": one["NAME"],
         "site_type": one["SITE_TYPE"], "designation": {"name": one["DESIG_ENG"], "jurisdiction": {"name": one["DESIG_TYPE"]}},
         "iucn_category": {"name": one["IUCN_CAT"]}, "legal_status": {"name": one["STATUS"]}, "reported_area": one["REP_AREA"],
         "legal_status_updated_at": f"01/01/{one['STATUS_YR']}", "countries": [{"iso_3": one["ISO3"]}], "realm": {"name": one["REALM"]},
         "geojson": {"type": "Feature", "properties": {}, "geometry": feature["geometry"]}}
        for feature in features for one in [feature["properties"]]
    ]  # fmt: skip
    with (sample / "checklist.csv").open(encoding="utf-8") as file:
        listed = [(row["scientificName"], row["iucnRedListCategory"]) for row in csv.DictReader(file)]
    stub.assessments = assessments(*(row for row in listed if row[1]))
    with rasterio.open(sample / "layers" / "landcover_china_laos.tif") as raster:
        classes = np.vectorize(lambda value: _COVER.get(value, 0))(raster.read(1)).astype("uint8")
    with rasterio.open(sample / "layers" / "elevation_china_laos.tif") as raster:
        heights = raster.read(1).astype("float32")
    for degrees, cells, empty, name in (
        (3, classes, 0, "ESA_WorldCover_10m_2021_v200_N{:02}E{:03}_Map.tif"),
        (1, heights, -32768, "Copernicus_DSM_COG_30_N{:02}_00_E{:03}_00_DEM.tif"),
    ):
        whole = np.full((1200, 1200), empty, cells.dtype)  # 0.005° from 99° E, 24° N on
        whole[220:720, 200:800] = cells
        side = degrees * 200
        for row, column in ((row, column) for row in range(0, 1200, side) for column in range(0, 1200, side)):
            south, west = 24 - degrees - row // 200, 99 + column // 200
            stub.tiles[name.format(south, west)] = tile(
                west, south, degrees, whole[row : row + side, column : column + side]
            )


def concepts():
    """Return taxa as Species+ has them."""
    above = {"kingdom": "Animalia", "phylum": "Chordata", "class": "Mammalia", "order": "Carnivora",
             "family": "Felidae"}  # fmt: skip
    return [
        {"id": n, "full_name": name, "author_year": author, "rank": "SPECIES", "name_status": "A", "cites_listing": listing,
         "higher_taxa": above, "cites_listings": [], "active": True}
        for n, name, author, listing in ((1, "Panthera tigris", "(Linnaeus, 1758)", "I"),
                                         (2, "Prionailurus bengalensis", "(Kerr, 1792)", "I/II"),
                                         (3, "Felis chaus", "Schreber, 1777", "II"))
    ]  # fmt: skip


def furnish(stub):
    """Let a stub answer for every service; returns the environment that leads there."""
    root = stub.url.removesuffix("/v1/")
    lists = [
        {"key": LAOS, "title": "Global Register of Introduced and Invasive Species - Laos"},
        {"key": "x", "title": "Global Register of Introduced and Invasive Species - Galapagos Islands, Ecuador"},
        {"key": "y", "title": "A list of something else"},
    ]
    stub.zips = {"griis.zip": archive(), "export.zip": archive(distribution=False), "job.zip": archive(ALIENS[:1])}

    def zipped(name):
        def answer(_, headers):
            etag = f'"{hash(stub.zips[name])}"'
            kind = {"content-type": "application/zip", "etag": etag}
            return (304, {"etag": etag}, b"") if headers.get("if-none-match") == etag else (200, kind, stub.zips[name])

        return answer

    told = {"key": LAOS, "title": lists[0]["title"], "license": "http://creativecommons.org/licenses/by/4.0/",
            "doi": "10.15468/griis1", "citation": {"text": "Pagad S (2022). GRIIS Laos."},
            "endpoints": [{"type": "EML", "url": f"{root}/eml"}, {"type": "DWC_ARCHIVE", "url": f"{root}/griis.zip"}]}  # fmt: skip
    sea = [
        {"id": f"o{n}", "dataset_id": SEA, "occurrenceID": f"dugong:{n}", "scientificName": "Dugong dugon", "eventDate": "1999-05-01",
         "decimalLatitude": 11.5, "decimalLongitude": 103.0, "basisOfRecord": "HumanObservation", "flags": ["ON_LAND"]}
        for n in range(3)
    ]  # fmt: skip
    stub.sites, stub.seen, stub.job_status = sites(3), seen(7), "finished"
    stub.assessments = assessments(("Elephas maximus", "EN"), ("Panthera tigris", "EN"), ("Bos sauveli", "CR"))
    stub.pages |= {
        "/dataset/search": _json({"offset": 0, "limit": 500, "endOfRecords": True, "count": 3, "results": lists}),
        f"/dataset/{LAOS}/metrics": _json({"datasetKey": LAOS, "usagesCount": 3}),
        f"/v1/dataset/{LAOS}": _json(told),
        "/griis.zip": zipped("griis.zip"),
        "/pp/countries/*": _with_token(lambda _: _json({"country": {"name": "Laos", "pas_count": len(stub.sites)}})),
        "/pp/protected_areas/search": _with_token(
            lambda query: _paged(
                [one for one in stub.sites if one["countries"][0]["iso_3"] in query["country"]],
                "protected_areas",
                50,
                query,
            )
        ),
        "/iucn/countries/*": _with_token(lambda query: _paged(stub.assessments, "assessments", 100, query)),
        "/clb/dataset/2144": _json(
            {"key": 2144, "title": "Aliens of Laos", "version": "1.2", "size": 3, "license": "cc by"}
        ),
        "/clb/dataset/2144/export.zip": zipped("export.zip"),
        "/clb/dataset/2144/match/nameusage": lambda query, _: _json(
            {"match": True, "type": "exact", "usage": {"id": "PL", "name": "Plantae"}}
            if query["q"] == ["Plantae"]
            else {"match": False, "alternatives": [{"id": "PL", "name": "Plantae"}]}
        ),
        "/clb/dataset/2144/nameusage/search": _json({"offset": 0, "limit": 0, "total": 2, "result": []}),
        "/clb/dataset/2144/export": (201, {}, f'"{JOB}"'.encode()),
        f"/clb/export/{JOB}": lambda *_: _json({"status": stub.job_status, "download": f"{root}/job.zip"}),
        "/job.zip": zipped("job.zip"),
        "/obis/occurrence": lambda query, _: _after(sea, "results", query, "after", 5000),
        f"/obis/dataset/{SEA}": _json({
            "total": 1,
            "results": [{"id": SEA, "title": "Dugongs", "citation": "Cite dugongs", "intellectualrights": "CC BY 4.0"}],
        }),
        "/ebird/ref/region/list/subnational1/CN": _with_token(
            lambda _: _json([{"code": "CN-53", "name": "Yunnan"}, {"code": "CN-45", "name": "Guangxi"}]), EBIRD
        ),
        "/species/taxon_concepts": _with_token(
            lambda query: _json({"pagination": {"total_entries": 3}, "taxon_concepts": concepts()}),
            "x-authentication-token",
        ),
        "/inat/observations": lambda query, _: _after(stub.seen, "results", query, "id_above", 200),
    }  # fmt: skip

    def of_the_day(query, headers):
        path = stub.asked[-1][1]
        day = "-".join(f"{int(part):02}" for part in path.split("/")[-3:])
        return _with_token(lambda _: _json(birds(day, path.split("/")[-5])), EBIRD)(query, headers)

    def of_tiles(query, headers):
        content = stub.tiles.get(stub.asked[-1][1].rsplit("/", 1)[1])
        return (
            (404, {}, b"<Error/>") if content is None else (200, {"content-type": "image/tiff", "etag": "1"}, content)
        )

    stub.pages |= {
        "/ebird/data/obs/*": of_the_day,
        "/ebird/product/stats/*": _with_token(lambda _: _json({"numChecklists": 1, "numSpecies": 2}), EBIRD),
        "/dem/*": of_tiles,
        "/cover/*": of_tiles,
    }
    stub.tiles = {
        f"Copernicus_DSM_COG_30_N20_00_E{west}_00_DEM.tif": tile(west, 20, 1, slope(west)) for west in (101, 102)
    }
    forest = np.where(np.arange(300)[:, None] < 150, np.uint8(10), np.uint8(40)) * np.ones((300, 300), "uint8")
    stub.tiles["ESA_WorldCover_10m_2021_v200_N18E099_Map.tif"] = tile(99, 18, 3, forest)
    names = {"PROTECTED_PLANET": "pp", "RED_LIST": "iucn", "CHECKLISTBANK": "clb", "OBIS": "obis",
             "INATURALIST": "inat", "EBIRD": "ebird", "SPECIES_PLUS": "species", "ELEVATION": "dem",
             "LAND_COVER": "cover"}  # fmt: skip
    addresses = {f"BIODATA_{name}_URL": f"{root}/{folder}/" for name, folder in names.items()}
    tokens = dict.fromkeys(("PROTECTED_PLANET_TOKEN", "IUCN_TOKEN", "SPECIESPLUS_TOKEN", "EBIRD_KEY"), TOKEN)
    return {**addresses, **tokens, "BIODATA_GBIF_URL": stub.url}


def main():
    """Serve until ended; the environment that leads here is written to the file that is named. A folder after it is the sample's."""
    with stub_gbif.running() as stub:
        found = {"usage": {"key": "6224G", "name": "Mammalia", "rank": "CLASS"}, "diagnostics": {"matchType": "EXACT"}}
        stub.names["Mammalia"] = found
        stub.records = [
            {"key": n, "gbifID": str(n), "datasetKey": SEA, "occurrenceID": f"o{n}", "scientificName": "Macaca mulatta"} for n in range(3)
        ]  # fmt: skip
        addresses = furnish(stub)
        if len(sys.argv) > 2:
            serve_sample(stub, Path(sys.argv[2]))
        lines = [f"export {name}='{value}'" for name, value in addresses.items()]
        new = Path(f"{sys.argv[1]}.new")
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new.replace(sys.argv[1])
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main()

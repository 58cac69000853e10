"""The tables of a Camtrap DP package, and what frictionless says of it."""

import csv
import io
import json
import zipfile

import pytest


def rows(path, table):
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{table}.csv").decode())))


def assert_valid(written, shared, tmp_path):
    """See that frictionless and the official profile find nothing wrong with a package."""
    frictionless = pytest.importorskip("frictionless")
    jsonschema = pytest.importorskip("jsonschema")
    schemas = shared / "data/camtrapdp_example/schemas"
    with zipfile.ZipFile(written) as archive:
        archive.extractall(tmp_path)
    told = json.loads((tmp_path / "datapackage.json").read_text())
    for part in json.loads((schemas / "camtrap-dp-profile.json").read_text())["allOf"][1:]:
        part["$defs"] = {"version": {"pattern": "1\\.0\\.2"}}
        text = json.dumps(part).replace('"$ref": "http://json.schemastore.org/geojson.json"', '"type": "object"')
        jsonschema.Draft4Validator(json.loads(text)).validate(told)
    told.pop("profile")  # an address, and nothing is fetched here
    for resource in told["resources"]:
        resource["schema"] = json.loads((schemas / f"{resource['name']}-table-schema.json").read_text())
    (tmp_path / "local.json").write_text(json.dumps(told))
    report = frictionless.Package(str(tmp_path / "local.json")).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "message"])

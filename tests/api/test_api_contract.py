"""What programs rely on under /v1: `tests/openapi.json` holds it; a field removed or of another type fails here.

After a wanted addition: `python tests/api/test_api_contract.py` writes the file anew.
"""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.app import create_app
from biodata.core.settings import Settings

FIXTURE = Path(__file__).parents[1] / "openapi.json"


def promises(document: dict[str, Any]) -> dict[str, str]:
    """Return each field and parameter below /v1 with its type."""
    found: dict[str, str] = {}
    waiting: list[str] = []
    for path, item in document["paths"].items():
        if not path.startswith("/v1"):
            continue
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                found[f"{method} {path} ?{parameter['name']}"] = kind(parameter["schema"], waiting)
            for status, answer in operation["responses"].items():
                for media_type, content in answer.get("content", {}).items():
                    found[f"{method} {path} {status} {media_type}"] = kind(content.get("schema", {}), waiting)
    seen = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        schema = document["components"]["schemas"][name]
        for field, value in schema.get("properties", {}).items():
            found[f"{name}.{field}"] = kind(value, waiting)
        for field in schema.get("required", []):
            found[f"{name}.{field} required"] = "yes"
    return found


def kind(schema: dict[str, Any], waiting: list[str]) -> str:
    """Return a schema's type as text; what it refers to is put on the list."""
    if "$ref" in schema:
        waiting.append(schema["$ref"].rsplit("/", 1)[1])
        return schema["$ref"].rsplit("/", 1)[1]
    if "anyOf" in schema:
        return "|".join(sorted(kind(part, waiting) for part in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"[{kind(schema.get('items', {}), waiting)}]"
    inside = schema.get("additionalProperties")
    return f"{{{kind(inside, waiting)}}}" if isinstance(inside, dict) else str(schema.get("type", "any"))


def broken(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    now = promises(after)
    return [
        f"{name}: {was} → {now.get(name, 'gone')}" for name, was in promises(before).items() if now.get(name) != was
    ]


def current() -> dict[str, Any]:
    return create_app(Settings(data=Path("nowhere"))).openapi()


def test_nothing_promised_is_broken():
    assert broken(orjson.loads(FIXTURE.read_bytes()), current()) == []


def test_the_fixture_is_up_to_date():
    assert promises(current()).keys() <= promises(orjson.loads(FIXTURE.read_bytes())).keys(), "write the fixture anew"


@pytest.mark.parametrize("change", [
    pytest.param(lambda d: d["components"]["schemas"]["Occurrence"]["properties"].pop("year"), id="a field removed"),
    pytest.param(lambda d: d["components"]["schemas"]["Occurrence"]["properties"].update(key={"type": "string"}),
                 id="a field of another type"),
    pytest.param(lambda d: d["paths"].pop("/v1/occurrence/{key}"), id="an address removed"),
    pytest.param(lambda d: d["paths"]["/v1/occurrence/search"]["get"]["parameters"].pop(0), id="a parameter removed"),
])  # fmt: skip
def test_a_break_is_seen(change):
    before = orjson.loads(FIXTURE.read_bytes())
    after = copy.deepcopy(before)
    change(after)
    assert broken(before, after)


if __name__ == "__main__":
    FIXTURE.write_bytes(orjson.dumps(current(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")

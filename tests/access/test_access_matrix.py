"""Every route for every role: whoever adds a route says here who gets what; what is not said fails."""

import re
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

import appointed
import releases
from api.app import create_app
from biodata.access import accounts, credentials, permits
from biodata.access.roles import Role, RoleBinding
from people import ROLES, bearer

pytest_plugins = ("api_client",)
ABROAD = ("203.0.113.9", 4711)
COLUMNS = ("nobody", *ROLES)

# What each gets: nobody in particular, researcher, uploader, planner, reviewer, node manager, administrator.
GUARDED = """
GET    /metrics                             403 403 403 403 403 403 200
POST   /v1/surveys                          401 403 202 403 403 403 403
GET    /v1/surveys                          401 200 200 200 200 200 200
GET    /v1/surveys/{number}                 401 404 200 404 200 404 404
GET    /v1/surveys/{number}/rows            401 404 409 404 409 404 404
POST   /v1/surveys/{number}/submit          401 404 428 404 403 404 404
POST   /v1/surveys/{number}/decisions       401 404 403 404 428 404 404
POST   /v1/surveys/{number}/answers         401 404 428 404 403 404 404
DELETE /v1/surveys/{number}                 401 404 202 404 403 404 404
POST   /v1/surveys/{number}/restore         401 404 404 404 403 404 404
GET    /v1/surveys/versions/{key:path}      401 404 200 404 404 404 404
POST   /v1/citations/{number}/doi           401 404 404 404 404 404 404
GET    /v1/account                          401 200 200 200 200 200 200
PATCH  /v1/account                          401 200 200 200 200 200 200
POST   /v1/account/password                 401 422 422 422 422 422 422
DELETE /v1/account/logins                   401 204 204 204 204 204 204
GET    /v1/account/keys                     401 200 200 200 200 200 200
POST   /v1/account/keys                     401 201 201 201 201 201 201
DELETE /v1/account/keys/{number}            401 404 404 404 404 404 404
GET    /v1/accounts                         401 403 403 403 403 403 200
POST   /v1/accounts                         401 403 403 403 403 403 409
GET    /v1/accounts/{name}                  401 403 403 403 403 403 200
PATCH  /v1/accounts/{name}                  401 403 403 403 403 403 200
POST   /v1/accounts/{name}/code             401 403 403 403 403 403 201
POST   /v1/accounts/{name}/roles            401 403 403 403 403 204 204
DELETE /v1/accounts/{name}/roles            401 403 403 403 403 204 204
GET    /v1/appointments                     401 403 403 403 200 200 200
POST   /v1/appointments                     401 403 403 403 404 404 404
GET    /v1/access/requests                  401 200 200 200 200 200 200
POST   /v1/access/requests                  401 201 403 201 201 201 403
GET    /v1/access/requests/{number}         401 404 404 404 404 404 404
GET    /v1/access/requests/{number}/grant   401 403 403 403 403 404 403
POST   /v1/access/requests/{number}/decide  401 403 403 403 403 404 403
POST   /v1/access/requests/{number}/revoke  401 403 403 403 403 404 404
POST   /v1/access/requests/{number}/again   401 404 403 404 404 404 403
POST   /v1/access/requests/{number}/report  401 404 404 404 404 404 404
GET    /v1/access/requests/{number}/records 401 404 403 404 404 404 403
GET    /v1/consents                         401 403 403 403 403 200 403
GET    /v1/consents/{output}                401 404 404 404 404 404 404
POST   /v1/consents/{output}                401 404 404 404 404 404 404
POST   /v1/withdrawals                      401 403 403 403 403 202 403
GET    /v1/withdrawals/{number}             401 404 404 404 404 404 404
POST   /v1/rights/terms/acceptances         401 409 409 409 409 409 409
GET    /v1/rights/permits                   401 403 200 403 403 200 403
POST   /v1/rights/permits                   401 403 201 403 403 201 403
DELETE /v1/rights/permits/{number}          401 403 404 403 403 404 403
GET    /v1/rights/use/{country}             401 403 403 403 403 200 403
"""
# The same for everybody, with a key or a token or without: nobody looks at them there. What is asked stands behind.
PUBLIC = {
    "GET": {
        "/": "/",
        "/docs": "/docs",
        "/openapi.json": "/openapi.json",
        "/pages.css": "/pages.css",
        "/surveys": "/surveys?language=lo",
        "/assets": "/assets/none.js",
        "/health/live": "/health/live",
        "/health/ready": "/health/ready",
        "/catalog.jsonld": "/catalog.jsonld",
        "/ogc": "/ogc",
        "/ogc/": "/ogc/",
        "/ogc/api": "/ogc/api",
        "/ogc/conformance": "/ogc/conformance",
        "/ogc/collections": "/ogc/collections",
        "/ogc/collections/{collection_id}": "/ogc/collections/occurrences",
        "/ogc/collections/{collection_id}/schema": "/ogc/collections/occurrences/schema",
        "/ogc/collections/{collection_id}/queryables": "/ogc/collections/occurrences/queryables",
        "/ogc/collections/{collection_id}/items": "/ogc/collections/occurrences/items?limit=50&filter=year > 1900",
        "/ogc/collections/{collection_id}/items/{feature_id:path}": "/ogc/collections/occurrences/items/{key}",
        "/ogc/collections/{collection_id}/tiles": "/ogc/collections/occurrences/tiles",
        "/ogc/collections/{collection_id}/tiles/WebMercatorQuad": "/ogc/collections/occurrences/tiles/WebMercatorQuad",
        "/ogc/collections/{collection_id}/tiles/WebMercatorQuad/tilejson.json": "/ogc/collections/occurrences/tiles/WebMercatorQuad/tilejson.json",
        "/ogc/collections/{collection_id}/tiles/WebMercatorQuad/{z}/{y}/{x}": "/ogc/collections/occurrences/tiles/WebMercatorQuad/0/0/0",
        "/ogc/tileMatrixSets": "/ogc/tileMatrixSets",
        "/ogc/tileMatrixSets/WebMercatorQuad": "/ogc/tileMatrixSets/WebMercatorQuad",
        "/v1/occurrence/search": "/v1/occurrence/search?limit=50&facet=year&facet=countryCode",
        "/v1/occurrence/count": "/v1/occurrence/count",
        "/v1/occurrence/counts/{by}": "/v1/occurrence/counts/year",
        "/v1/occurrence/count/schema": "/v1/occurrence/count/schema",
        "/v1/occurrence/{key}": "/v1/occurrence/{key}",
        "/v1/occurrence/{key}/verbatim": "/v1/occurrence/{key}/verbatim",
        "/v1/occurrence/{key}/fragment": "/v1/occurrence/{key}/fragment",
        "/v1/occurrence/{dataset_key}/{occurrence_id:path}": "/v1/occurrence/field-notes/none",
        "/v1/areas": "/v1/areas",
        "/v1/areas/{area_id:path}": "/v1/areas/none",
        "/v1/species": "/v1/species",
        "/v1/species/match": "/v1/species/match?name=Elephas maximus",
        "/v2/species/match": "/v2/species/match?scientificName=Elephas maximus",
        "/v1/species/search": "/v1/species/search?q=a",
        "/v1/species/suggest": "/v1/species/suggest?q=a",
        "/v1/species/{key}": "/v1/species/1",
        "/v1/species/{key}/{part}": "/v1/species/1/children",
        "/v1/parser/name": "/v1/parser/name?name=Elephas maximus",
        "/v1/dataset": "/v1/dataset",
        "/v1/dataset/search": "/v1/dataset/search",
        "/v1/dataset/suggest": "/v1/dataset/suggest?q=f",
        "/v1/dataset/{key:path}": "/v1/dataset/field-notes",
        "/v1/dataset/{key:path}/document": "/v1/dataset/field-notes/document",
        "/v1/dataset/{key:path}/metrics": "/v1/dataset/field-notes/metrics",
        "/v1/downloads/{number}": "/v1/downloads/none",
        "/v1/downloads/{number}/file": "/v1/downloads/none/file",
        "/v1/citations/{number}": "/v1/citations/none",
        "/v1/citations/{number}/replay": "/v1/citations/none/replay",
        "/v1/reports/{result_id:path}": "/v1/reports/none",
        "/v1/rights/terms": "/v1/rights/terms",
        "/v1/rights/datasets/{key:path}": "/v1/rights/datasets/field-notes",
        "/v1/surveys/templates/{design}": "/v1/surveys/templates/plot?language=lo",
        "/v1/surveys/results/{key:path}": "/v1/surveys/results/field-notes",
        "/v1/audit/sensitivity": "/v1/audit/sensitivity",
    },
    "POST": {
        "/v1/occurrence/search": "/v1/occurrence/search",
        "/v1/parser/name": "/v1/parser/name",
        "/v1/areas": "/v1/areas",
        "/v1/downloads": "/v1/downloads",
        "/v1/citations": "/v1/citations",
        "/v1/citations/{number}/replay": "/v1/citations/none/replay",
        "/v1/login": "/v1/login",
        "/v1/login/refresh": "/v1/login/refresh",
        "/v1/login/end": "/v1/login/end",
        "/v1/login/code": "/v1/login/code",
    },
    "DELETE": {"/v1/downloads/{number}": "/v1/downloads/none"},
}  # fmt: skip
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/v1/account"): {"label": "somebody"},
    ("POST", "/v1/account/password"): {},
    ("POST", "/v1/account/keys"): {"label": "a script"},
    ("POST", "/v1/accounts"): {"name": "researcher"},
    ("PATCH", "/v1/accounts/{name}"): {"closed": False},
    ("POST", "/v1/accounts/{name}/roles"): {"role": "reviewer", "country": "LA"},
    ("POST", "/v1/appointments"): {"account": "somebody", "role": "planner"},
    ("POST", "/v1/rights/terms/acceptances"): {"version": 1},
    ("POST", "/v1/rights/permits"): {"dataset": "nam-ha", "kind": "permit", "number": "12/2026", "country": "LA"},
    ("POST", "/v1/access/requests"): {"purpose": "a corridor", "countries": ["LA"], "fields": ["decimalLatitude"],
                                      "expires": "2099-01-01T00:00:00+00:00"},
    ("POST", "/v1/access/requests/{number}/decide"): {"country": "LA", "reason": "no"},
    ("POST", "/v1/access/requests/{number}/revoke"): {"country": "LA"},
    ("POST", "/v1/withdrawals"): {"keys": [1], "reason": "asked for"},
    ("POST", "/v1/access/requests/{number}/again"): {"purpose": "more", "expires": "2099-01-01T00:00:00+00:00"},
    ("POST", "/v1/access/requests/{number}/report"): {"made": "a map"},
    ("POST", "/v1/consents/{output}"): {"country": "LA", "answer": "ask"},
    ("POST", "/v1/surveys/{number}/decisions"): {"decision": "accept"},
    ("POST", "/v1/surveys/{number}/answers"): {"answer": "so it was"},
}  # fmt: skip
HIDDEN = {"{number}": "1", "{output}": "none", "{name}": "somebody", "{country}": "LA", "{key:path}": "nam-ha",
          "{upload}": "none"}  # fmt: skip
"""What a guarded address is asked for."""


def guarded() -> dict[tuple[str, str], dict[str, int]]:
    """Return by route what each gets."""
    rows = [line.split() for line in GUARDED.strip().splitlines()]
    return {(method, path): dict(zip(COLUMNS, map(int, told), strict=True)) for method, path, *told in rows}


@pytest.fixture(scope="module")
def served(settings, tmp_path_factory):
    """Serve the small release to somebody abroad, with an account of each role and a submission of the uploader's."""
    data = tmp_path_factory.mktemp(
        "matrix"
    )  # of its own: other tests hand surveys in, and here the first one is asked for
    releases.make_release(data)
    changed = settings.model_copy(update={"data": data, "password_memory_mib": 8, "login_limit": 0, "rate_limit": 0})
    with TestClient(create_app(changed), base_url="http://test", raise_server_exceptions=False, client=ABROAD,
                    follow_redirects=False) as client:  # fmt: skip
        registry = client.app.state.service.registry
        for role, binding in ROLES.items():
            appointed.new(registry, role, roles=[binding])
        appointed.new(registry, "of-viet-nam", roles=[RoleBinding(Role.NODE_MANAGER, country="VN")])
        appointed.new(registry, "somebody")
        made = client.post("/v1/surveys", files={"file": b"a"}, headers=headers(client, "uploader"))
        assert made.json()["id"] == 1
        yield client


def headers(client: TestClient, column: str) -> dict[str, str]:
    """Return what somebody shows; a login of its own each time, as some requests end it."""
    if column == "nobody":
        return {}
    found = client.app.state.service
    return bearer(found.tokens.start(accounts.find(found.registry, column).account_id, method="a test").access)


def test_every_route_stands_in_the_matrix(served):
    found = {
        (method, context.path)
        for context in iter_route_contexts(served.app.routes)
        for method in (context.methods or {"GET"})
        if method != "HEAD"
    }
    public = {(method, path) for method, paths in PUBLIC.items() for path in paths}
    assert found == public | guarded().keys(), "say in this file who gets what at each route"
    assert not public & guarded().keys()


@pytest.mark.parametrize(("method", "path"), guarded())
def test_what_each_role_gets(served, method, path):
    registry, address = served.app.state.service.registry, path
    for part, value in HIDDEN.items():
        address = address.replace(part, value)
    got = {}
    for column in COLUMNS:
        if (method, path) == ("DELETE", "/v1/accounts/{name}/roles"):
            appointed.bind(registry, "somebody", RoleBinding(Role.REVIEWER, country="LA"))
            address = "/v1/accounts/somebody/roles?role=reviewer&country=LA"
        if (method, path) == ("DELETE", "/v1/account/keys/{number}"):
            address = "/v1/account/keys/999"
        if (method, path) == ("DELETE", "/v1/rights/permits/{number}"):
            address = "/v1/rights/permits/999"
        sent: dict[str, Any] = {"json": BODIES[method, path]} if (method, path) in BODIES else {}
        if (method, path) == ("POST", "/v1/surveys"):
            sent = {"files": {"file": b"b"}}
        answer = served.request(method, address, headers=headers(served, column), **sent)
        got[column] = answer.status_code
        assert answer.headers["cache-control"] == "private, no-store", column
        assert {"Authorization", "X-API-Key"} <= set(answer.headers["vary"].split(", ")), column
    assert got == guarded()[method, path]


@pytest.mark.parametrize(("method", "path"), guarded())
def test_what_cannot_be_taken_gets_no_more_than_nobody(served, method, path):
    address = path
    for part, value in HIDDEN.items():
        address = address.replace(part, value)
    sent: dict[str, Any] = {"json": BODIES[method, path]} if (method, path) in BODIES else {}
    answer = served.request(method, address, headers=bearer("wrong"), **sent)
    assert answer.status_code == guarded()[method, path]["nobody"]


_WHEN = re.compile(rb'"timeStamp":"[^"]*"')
"""When a page of features was made, to the second."""


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, paths in PUBLIC.items() for path in paths])
def test_what_is_public_is_the_same_for_everybody(served, method, path):
    key = served.get("/v1/occurrence/search", params={"limit": 1}).json()["results"][0]["key"]
    address = PUBLIC[method][path].replace("{key}", str(key))
    told = set()
    for shown in ({}, *(headers(served, role) for role in ROLES), bearer("wrong")):
        answer = served.request(method, address, headers={"X-Request-ID": "the-same-one", **shown})
        made_anew = method == "POST" and path in ("/v1/downloads", "/v1/citations")
        body = b"" if made_anew else _WHEN.sub(b"", answer.content)
        told.add((answer.status_code, body, answer.headers.get("cache-control")))
        assert answer.status_code < 500
    assert len(told) == 1


def test_documentation_for_those_with_an_account(settings):
    closed = settings.model_copy(update={"documentation": "accounts"})
    with TestClient(create_app(closed), base_url="http://test") as client:
        key = credentials.key_for_uploads(client.app.state.service.registry, "a reader")
        for path in ("/docs", "/openapi.json"):
            assert client.get(path).status_code == 401
            answer = client.get(path, headers={"X-API-Key": key})
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "private, no-store"


# Where a role is bound decides: whose country, or dataset, is the thing's (first), another's, and a role bound to nothing.
SCOPED = """
POST   /v1/rights/permits                uploader       201 403 201
POST   /v1/rights/permits                node_manager   201 403 -
DELETE /v1/rights/permits/{number}       uploader       204 404 204
DELETE /v1/rights/permits/{number}       node_manager   204 404 -
GET    /v1/rights/use/{country}          node_manager   200 403 -
GET    /v1/surveys/{number}              reviewer       200 404 200
GET    /v1/surveys/{number}              uploader       200 404 200
GET    /v1/surveys/{number}/rows         reviewer       409 404 409
GET    /v1/surveys/{number}/rows         uploader       409 404 409
POST   /v1/surveys/{number}/answers      uploader       428 404 428
POST   /v1/surveys/{number}/answers      reviewer       403 404 403
POST   /v1/surveys                       uploader       202 403 202
POST   /v1/surveys/{number}/decisions    reviewer       428 404 428
DELETE /v1/surveys/{number}              uploader       403 404 403
POST   /v1/surveys/{number}/restore      uploader       404 404 404
POST   /v1/surveys/{number}/restore      reviewer       403 404 403
POST   /v1/accounts/{name}/roles         node_manager   204 403 -
POST   /v1/accounts/{name}/roles         administrator  204 403 204
DELETE /v1/accounts/{name}/roles         node_manager   204 403 -
GET    /v1/accounts                      administrator  403 403 200
PATCH  /v1/accounts/{name}               administrator  403 403 200
POST   /v1/accounts/{name}/code          administrator  403 403 201
GET    /v1/access/requests/{number}      node_manager   200 404 -
POST   /v1/access/requests/{number}/decide node_manager 200 404 -
"""
BINDINGS = {
    Role.UPLOADER: ({"dataset": "nam-ha"}, {"dataset": "another"}),
    Role.REVIEWER: ({"dataset": "nam-ha"}, {"dataset": "another"}),
    Role.NODE_MANAGER: ({"country": "LA"}, {"country": "VN"}),
    Role.ADMINISTRATOR: ({"country": "LA"}, {"country": "VN"}),
}


@pytest.mark.parametrize("line", SCOPED.strip().splitlines(), ids=lambda line: " ".join(line.split()[:3]))
def test_a_role_reaches_as_far_as_it_is_bound(served, line):
    method, path, role, *expected = line.split()
    own, other = BINDINGS[Role(role)]
    found = served.app.state.service
    for scope, told in zip((own, other, {}), expected, strict=True):
        if told == "-":  # a node manager always has a country
            continue
        name = credentials.unused_name(found.registry, "scoped")
        actor = accounts.COMMAND_LINE
        if role == Role.NODE_MANAGER:  # whoever speaks for a country already says who else does
            actor = {"LA": "node_manager", "VN": "of-viet-nam"}[scope["country"]]
        appointed.new(found.registry, name, roles=[RoleBinding(Role(role), **scope)], actor=actor)
        address, sent = asked_of(served, method, path)
        if (method, path) == ("POST", "/v1/surveys"):
            sent = {"files": {"file": name.encode()}, "data": {"dataset": "nam-ha"}}
        answer = served.request(method, address, headers=headers(served, name), **sent)
        assert answer.status_code == int(told), (scope, answer.text)


def asked_of(served: TestClient, method: str, path: str) -> tuple[str, dict[str, Any]]:
    """Return an address with a thing of LA and of nam-ha, made anew, and what is sent to it."""
    registry = served.app.state.service.registry
    sent: dict[str, Any] = {"json": BODIES[method, path]} if (method, path) in BODIES else {}
    if path == "/v1/rights/permits/{number}":
        told = permits.PermitData("nam-ha", permits.Kind.PERMIT, "13/2026", "LA")
        path = path.replace("{number}", str(permits.record(registry, told, actor="a test")))
    elif path.startswith("/v1/access/requests/{number}"):
        made = served.post(
            "/v1/access/requests", json=BODIES["POST", "/v1/access/requests"], headers=headers(served, "researcher")
        )
        path = path.replace("{number}", str(made.json()["id"]))
    elif (method, path) == ("DELETE", "/v1/accounts/{name}/roles"):
        appointed.bind(registry, "somebody", RoleBinding(Role.REVIEWER, country="LA"))
        path = "/v1/accounts/somebody/roles?role=reviewer&country=LA"
    for part, value in HIDDEN.items():
        path = path.replace(part, value)
    return path, sent

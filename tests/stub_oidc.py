"""An OpenID Connect provider on 127.0.0.1 whose every answer a test can bend."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

CLIENT, SECRET = "biodata", "a secret of the client"

KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate(),
}
_WRITERS = {"RS256": RSAAlgorithm.to_jwk, "ES256": ECAlgorithm.to_jwk, "EdDSA": OKPAlgorithm.to_jwk}


class Stub:
    """What the provider answers; each part is a function that a test may replace."""

    def __init__(self) -> None:
        self.issuer = ""
        self.straighten()

    def straighten(self) -> None:
        """Answer as one should, again."""
        self.algorithm = "RS256"
        self.asked: list[dict[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.bend_claims: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.bend_token: Callable[[dict[str, Any]], str] = self.signed
        self.bend_configuration: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.bend_keys: Callable[[dict[str, Any]], dict[str, Any]] = dict

    def configuration(self) -> dict[str, Any]:
        told = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        told |= {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
        return self.bend_configuration(told)

    def keys(self) -> dict[str, Any]:
        found = [json.loads(_WRITERS[a](key.public_key())) | {"kid": a, "use": "sig"} for a, key in KEYS.items()]
        return self.bend_keys({"keys": found})

    def authorise(self, location: str, *, subject: str) -> dict[str, str]:
        """Do as if somebody logged in there; return what the browser comes back with."""
        question = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = question | {"sub": subject}
        return {"code": code, "state": question["state"]}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer as RFC 6749 and RFC 7636 say."""
        self.asked.append(form)
        account = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        began = self.codes.pop(form.get("code", ""), None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        if (
            began is None
            or account != f"{CLIENT}:{SECRET.replace(' ', '%20')}"
            or challenge != began["code_challenge"]
            or form["redirect_uri"] != began["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": began["sub"],
            "nonce": began["nonce"],
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
        }
        return 200, {"id_token": self.bend_token(self.bend_claims(claims)), "access_token": "x", "token_type": "Bearer"}

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, KEYS[self.algorithm], self.algorithm, headers={"kid": self.algorithm})


@contextmanager
def serving() -> Iterator[Stub]:
    """Serve a provider until the block ends."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {"/.well-known/openid-configuration": stub.configuration, "/keys": stub.keys}
            page = pages.get(self.path)
            self._answer(*((200, page()) if page else (404, {})))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*stub.token(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

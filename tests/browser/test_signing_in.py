"""Whoever signs in has the same things in every browser; an admin sees what anybody made."""

from __future__ import annotations

import http.server
import json
import threading
import time
import urllib.parse

import pytest
from playwright.sync_api import expect

import digitlab as dl
from digitlab import owners
from tests.browser.served import Lab
from tests.browser.visitor import Visitor

pytest.importorskip("authlib")  # of streamlit[auth]
pytest.importorskip("joserfc")

PEOPLE = {"bob": ("bob@example.org", True), "ada": ("Ada@example.org", True),
          "eve": ("ada@example.org", False)}  # fmt: skip


class Provider(http.server.BaseHTTPRequestHandler):
    """Knows three people, and lets a click decide who somebody is."""

    def do_GET(self):
        from joserfc.jwk import RSAKey

        base = f"http://127.0.0.1:{self.server.server_port}"
        self.server.key = getattr(self.server, "key", None) or RSAKey.generate_key(
            2048, {"kid": "k", "use": "sig", "alg": "RS256"}
        )
        address = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(address.query))
        if address.path == "/keys":
            self.answer({"keys": [self.server.key.as_dict(private=False)]})
        elif address.path == "/authorize":
            self.server.asked = asked
            codes = [urllib.parse.urlencode({"code": n, "state": asked["state"]}) for n in PEOPLE]
            links = zip(PEOPLE, codes, strict=True)
            self.answer(
                " ".join(f"<a href='{asked['redirect_uri']}?{c}'>{n}</a>" for n, c in links)
            )
        else:
            self.answer({
                "issuer": base, "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token", "jwks_uri": f"{base}/keys",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })  # fmt: skip

    def do_POST(self):
        from joserfc import jwt

        form = dict(
            urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())
        )
        name, asked, now = form["code"], self.server.asked, int(time.time())
        address, verified = PEOPLE[name]
        claims = {"iss": f"http://127.0.0.1:{self.server.server_port}", "sub": name,
                  "aud": asked["client_id"], "nonce": asked["nonce"], "iat": now, "exp": now + 600,
                  "email": address, "email_verified": verified}  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, self.server.key)
        self.answer({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def answer(self, value):
        self.send_response(200)
        page = isinstance(value, str)
        self.send_header("Content-Type", "text/html" if page else "application/json")
        self.end_headers()
        self.wfile.write((value if page else json.dumps(value)).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def hosted(tmp_path):
    """A server for strangers, who may sign in."""
    provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    secrets = tmp_path / "secrets.toml"
    lab = Lab(tmp_path, DIGITLAB_HOSTED="demo", DIGITLAB_ADMINS="ada@example.org",
              DIGITLAB_WARM_WORKERS="0", STREAMLIT_SECRETS_FILES=str(secrets))  # fmt: skip
    secrets.write_text(
        f'[auth]\nredirect_uri = "{lab.url}/oauth2callback"\ncookie_secret = "{"x" * 32}"\n'
        'client_id = "digitlab"\nclient_secret = "secret"\nserver_metadata_url = '
        f'"http://127.0.0.1:{provider.server_port}/.well-known/openid-configuration"\n'
    )
    lab.start()
    yield lab
    lab.kill()
    provider.shutdown()


def test_things_follow_a_person_and_an_admin_sees_them(hosted, browser, monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOME", str(hosted.home))
    for name in PEOPLE:
        context = browser.new_context()
        visitor = Visitor(context.new_page(), hosted.url)
        visitor.open("/")
        if name == "bob":
            with owners.acting_for(owners.owner_of(visitor.secret())):
                data, recipe = dl.load_dataset("optdigits"), dl.TrainConfig(epochs=1)
                run = dl.train("logistic-regression", data, recipe, name="Bob's", progress=False)
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.get_by_role("link", name=name).click()
        expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
        if name == "bob":
            visitor.page.get_by_role("button", name="Take over what I made").click()
            visitor.sees("1 run became yours")
        visitor.open(f"/Train?run={run.id}")
        if name == "eve":  # her address is Ada's, but nobody verified it
            visitor.sees("is not yours")
        else:
            visitor.sees("Delete")
        expect(visitor.page.get_by_text("You are an admin")).to_have_count(int(name == "ada"))
        context.close()

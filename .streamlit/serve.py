"""The app with the headers that protect strangers: `streamlit run .streamlit/serve.py`.

`streamlit run Home.py` sends none, and behind a proxy the proxy can (see the README).
"""

import sys
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
# Streamlit's pages hold inline styles, and its charts and components compile functions: what
# matters is that nothing is fetched from, or sent to, another address.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # a link may hold a run's id
    "X-Content-Type-Options": "nosniff",
}


class WithHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


app = App(ROOT / "Home.py", middleware=[Middleware(WithHeaders)])

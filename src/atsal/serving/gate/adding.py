"""Put the gate before an application, and before its server."""

from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from atsal.serving.gate import session
from atsal.serving.gate.bodies import BodyLimits
from atsal.serving.gate.connections import GuardedProtocol
from atsal.serving.gate.entrance import Entrance, Gate
from atsal.serving.gate.envelope import Envelope
from atsal.serving.gate.settings import GateSettings
from atsal.serving.gate.sockets import GuardedWebSocket

_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_ASKED = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Range", "X-Request-ID")
_ASKED_OF_UPLOADS = ("Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Offset")
_SHOWN = ("Atsal-Stereo", "Content-Disposition", "Content-Range", "ETag", "Location", "Retry-After", "X-Request-ID")
_SHOWN_OF_UPLOADS = (
    "Tus-Resumable",
    "Tus-Version",
    "Tus-Extension",
    "Tus-Max-Size",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Offset",
)


def add_gate(app: FastAPI, gate: Gate, upload_bytes: int) -> None:
    """Put the gate before an application whose uploads have at most so many bytes."""
    app.include_router(session.make_router(gate))
    app.add_middleware(BodyLimits, settings=gate.settings, most_bytes=partial(_most_bytes, gate.settings, upload_bytes))
    app.add_middleware(Entrance, gate=gate)
    if gate.settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=gate.settings.origins,
            allow_methods=_METHODS,
            allow_headers=(*_ASKED, *_ASKED_OF_UPLOADS),
            expose_headers=(*_SHOWN, *_SHOWN_OF_UPLOADS),
        )
    app.add_middleware(Envelope)  # the last one is the outermost


def server_options(settings: GateSettings) -> dict[str, Any]:
    """Return the options of `uvicorn.Config` that belong to the gate."""
    return {
        "http": partial(GuardedProtocol, gate=settings),
        "ws": GuardedWebSocket,
        "h11_max_incomplete_event_size": settings.head_bytes,
        "server_header": False,
        "ws_per_message_deflate": False,  # pictures are compressed already
        "proxy_headers": bool(settings.proxies),
        "forwarded_allow_ips": list(settings.proxies),
    }


def _most_bytes(settings: GateSettings, upload_bytes: int, method: str, path: str) -> int:
    """Return how large the body of a request may be."""
    if method == "PATCH" and path.startswith("/v1/uploads/"):
        return upload_bytes
    return settings.image_bytes if method == "POST" and path == "/v1/images" else settings.body_bytes

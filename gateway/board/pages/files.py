"""The files of the page: styles, scripts, icons, manifest, service worker."""

from __future__ import annotations

import orjson
from starlette.responses import RedirectResponse, Response

from gateway.board.assets_store import assets, digest, url
from gateway.board.callers import Needs
from gateway.board.endpoint import Call, Endpoint
from gateway.model.catalogue import LANGUAGES
from gateway.model.refusal import Refused

FOR_EVER = "public, max-age=31536000, immutable"


async def asset(call: Call) -> Response:
    """`GET /assets/{digest}/{name}`: kept by browsers for ever, since other contents have another path."""
    found = assets().get(call.path("name"))
    if found is None:
        raise Refused("not_found", "no such file")
    # A page from before an update asks under the old path: it gets the present file, and keeps it not.
    kept = FOR_EVER if call.path("digest") == digest() else "no-cache"
    return Response(found.body, media_type=found.type, headers={"Cache-Control": kept})


async def manifest(call: Call) -> Response:
    """`GET /manifest.webmanifest`: what makes the page installable."""
    site = call.board.house.settings().site
    title = site.title or site.home
    document = {
        "name": f"{title} · Velgate",
        "short_name": "Velgate",
        "lang": "da",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#101214",
        "theme_color": "#101214",
        "icons": [
            {"src": url("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            {"src": url("icon-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": url("icon-512.png"), "sizes": "512x512", "type": "image/png"},
            {"src": url("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ],
    }
    return Response(
        orjson.dumps(document),
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache"},
    )


async def worker(call: Call) -> Response:
    """`GET /sw.js`: the service worker, told which files make the shell."""
    shell = [url(name) for name in assets() if name not in {"sw.js", "icon-512.png"}]
    words = {
        lang: {key: call.board.words(lang).t(f"push.{key}") for key in ("open", "unknown")}
        for lang in LANGUAGES
    }
    head = (
        f"const ICON = {orjson.dumps(url('icon-192.png')).decode()};\n"
        f"const WORDS = {orjson.dumps(words).decode()};\n"
        f"const VERSION = {orjson.dumps(digest()).decode()};\nconst SHELL = {orjson.dumps(shell).decode()};\n"
    )
    return Response(
        head.encode() + assets()["sw.js"].body,
        media_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )


async def favicon(call: Call) -> Response:
    """`GET /favicon.ico`: browsers ask for it unasked."""
    return RedirectResponse(url("icon.svg"), 307, headers={"Cache-Control": "no-cache"})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/assets/{digest}/{name}",
        needs=Needs.NOTHING,
        handler=asset,
        summary="A file of the page",
        page=True,
    ),
    Endpoint(
        method="GET",
        path="/manifest.webmanifest",
        needs=Needs.NOTHING,
        handler=manifest,
        summary="The web app manifest",
        page=True,
    ),
    Endpoint(
        method="GET",
        path="/sw.js",
        needs=Needs.NOTHING,
        handler=worker,
        summary="The service worker",
        page=True,
    ),
    Endpoint(
        method="GET", path="/favicon.ico", needs=Needs.NOTHING, handler=favicon, summary="The icon", page=True
    ),
)

"""Routes of the pages and of what they load.

A page names its assets under /static/<version>/, where the version is the digest of all assets
together; so a page never gets a module of another version than its own, and a browser may keep an
asset for good. The page itself is asked for again each time, and is answered with 304 while it has
not changed.

Everything is read and compressed once, when the routes are made.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final, Self

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flashsale_server.checkout import PathNotFound

PAGES: Final = {"/": "buyer.html", "/operator": "operator.html"}
"""Where each page is, and its file among the static ones."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What a page may do: load and ask what is of this server, and run no text as a script."""

ASSETS_MARK: Final = b"{{assets}}"
"""Stands in a page for the folder of its assets."""

_PAGE_CACHE: Final = "no-cache"
_ASSET_CACHE: Final = "public, max-age=31536000, immutable"
_COMMON_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent.

    Attributes:
        content: its bytes.
        compressed: the same by gzip.
        tag: what names these bytes; `compressed` has a tag of its own.
        headers: what every answer with it says.
    """

    content: bytes
    compressed: bytes
    tag: str
    headers: dict[str, str]

    @classmethod
    def of(cls, name: str, content: bytes, headers: dict[str, str]) -> Self:
        """A file of this name; the name's ending says of which type it is."""
        ending = PurePosixPath(name).suffix
        media_type = _TYPES.get(ending) or mimetypes.guess_type(name)[0]
        return cls(
            content,
            gzip.compress(content, 9, mtime=0),
            hashlib.sha256(content).hexdigest()[:20],
            {
                **_COMMON_HEADERS,
                **headers,
                "content-type": media_type or "application/octet-stream",
            },
        )

    def answer(self, request: Request) -> Response:
        """The file, compressed where the browser takes that, or that it has not changed."""
        is_compressed = _takes_gzip(request.headers)
        tag = f'"{self.tag}-gzip"' if is_compressed else f'"{self.tag}"'
        headers = {**self.headers, "etag": tag}
        if is_compressed:
            headers["content-encoding"] = "gzip"
        if _has_it(request.headers, tag):
            unchanged = ("content-type", "content-encoding")
            kept = {name: value for name, value in headers.items() if name not in unchanged}
            return Response(status_code=304, headers=kept)
        return Response(self.compressed if is_compressed else self.content, headers=headers)


def web_routes() -> list[BaseRoute]:
    """The routes of all pages and their assets."""
    return _routes(_read_all())


def _read_all() -> dict[str, bytes]:
    folder = files("flashsale_server.web").joinpath("static")
    return {item.name: item.read_bytes() for item in folder.iterdir() if item.is_file()}


def _routes(contents: dict[str, bytes]) -> list[BaseRoute]:
    assets = {name: content for name, content in contents.items() if not name.endswith(".html")}
    folder = f"/static/{_version(assets)}"
    kept = {
        f"{folder}/{name}": StaticFile.of(name, content, {"cache-control": _ASSET_CACHE})
        for name, content in assets.items()
    }

    async def asset(request: Request) -> Response:
        path = request.scope["path"]
        if path not in kept:
            raise PathNotFound(f"there is nothing at {path}")
        return kept[path].answer(request)

    pages = [_page_route(path, contents[name], folder) for path, name in PAGES.items()]
    return [*pages, Route("/static/{rest:path}", asset)]


def _page_route(path: str, content: bytes, folder: str) -> Route:
    page = StaticFile.of(
        "page.html",
        content.replace(ASSETS_MARK, folder.encode()),
        {
            "cache-control": _PAGE_CACHE,
            "content-security-policy": POLICY,
            "cross-origin-opener-policy": "same-origin",
        },
    )

    async def answer(request: Request) -> Response:
        return page.answer(request)

    return Route(path, answer)


def _version(assets: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(assets.items()):
        digest.update(b"%d %s %d " % (len(name), name.encode(), len(content)))
        digest.update(content)
    return digest.hexdigest()[:16]


def _takes_gzip(headers: Headers) -> bool:
    """Whether the answer may be compressed: gzip, or anything, is named with a weight above 0."""
    weights = _weights(headers.getlist("accept-encoding"))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weights(values: Sequence[str]) -> dict[str, float]:
    found = {}
    for part in ",".join(values).split(","):
        coding, _, parameter = part.partition(";")
        name, _, weight = parameter.partition("=")
        try:
            found[coding.strip().lower()] = float(weight) if name.strip().lower() == "q" else 1.0
        except ValueError:
            found[coding.strip().lower()] = 0.0
    return found


def _has_it(headers: Headers, tag: str) -> bool:
    """Whether the browser says that it has just these bytes."""
    known = {
        item.strip().removeprefix("W/")
        for value in headers.getlist("if-none-match")
        for item in value.split(",")
    }
    return tag in known or "*" in known

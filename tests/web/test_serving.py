"""How the pages and their assets are served: policy, caches, compression, and what is not there."""

import gzip
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import flashsale_server.web
import httpx
import pytest
from flashsale_server.web.pages import PAGES

from tests.servers import Running, running

STATIC = Path(flashsale_server.web.__file__).with_name("static")
PATHS = sorted(PAGES)


@pytest.fixture
async def shop() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


@pytest.fixture
async def web(shop: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, headers={"accept-encoding": ""}) as client:
        yield client


async def asset_folder(web: httpx.AsyncClient) -> str:
    found = re.search(r'"(/static/[0-9a-f]{16})/', (await web.get("/")).text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_runs_only_what_is_of_this_server(web: httpx.AsyncClient, path: str) -> None:
    page = await web.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert {"script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} < set(policy)
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"


async def test_nobody_is_sent_to_where_a_header_says(web: httpx.AsyncClient) -> None:
    answer = await web.get("/operator/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_has_no_script_or_style_of_its_own(web: httpx.AsyncClient, path: str) -> None:
    text = (await web.get(path)).text
    assert "://" not in text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=)", text)


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_asked_for_again_and_is_not_sent_twice(
    web: httpx.AsyncClient, path: str
) -> None:
    page = await web.get(path)
    assert page.headers["cache-control"] == "no-cache"
    again = await web.get(path, headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == page.headers["etag"]
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    assert "content-type" not in again.headers
    other = await web.get(path, headers={"if-none-match": '"another", W/"one"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_whatever_a_page_loads_is_there_and_kept_for_good(
    web: httpx.AsyncClient, path: str
) -> None:
    waiting = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', (await web.get(path)).text))
    assert waiting
    seen: set[str] = set()
    while waiting:
        asset_path = waiting.pop()
        asset = await web.get(asset_path)
        assert asset.status_code == 200, asset_path
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["x-content-type-options"] == "nosniff"
        seen.add(asset_path)
        folder = asset_path.rpartition("/")[0]
        imported = re.findall(r'^(?:import|export) .*?from "\./([^"]+)"', asset.text, re.MULTILINE)
        waiting |= {f"{folder}/{name}" for name in imported} - seen


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_names_all_its_modules_so_that_none_waits_for_another(
    web: httpx.AsyncClient, path: str
) -> None:
    text = (await web.get(path)).text
    named = set(re.findall(r'rel="modulepreload" href="[^"]+/([^"/]+)"', text))
    waiting = set(re.findall(r'<script type="module" src="[^"]+/([^"/]+)"', text))
    seen: set[str] = set()
    while waiting:
        seen.add(name := waiting.pop())
        imported = re.findall(r'from "\./([^"]+)"', (STATIC / name).read_text())
        waiting |= {*imported} - seen
    assert named < seen
    assert len(seen - named) == 1  # the script itself


async def test_each_asset_is_sent_as_it_is_with_its_type(web: httpx.AsyncClient) -> None:
    folder = await asset_folder(web)
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    files = [path for path in STATIC.iterdir() if path.suffix in types]
    assert {path.suffix for path in files} == set(types)
    for path in files:
        asset = await web.get(f"{folder}/{path.name}")
        assert asset.content == path.read_bytes()
        assert asset.headers["content-type"].startswith(types[path.suffix])


@pytest.mark.parametrize("asset", ["", "theme.css"])
async def test_gzip_is_sent_to_those_who_take_it(web: httpx.AsyncClient, asset: str) -> None:
    path = f"{await asset_folder(web)}/{asset}" if asset else "/"
    plain = await web.get(path)
    assert "content-encoding" not in plain.headers
    async with web.stream("GET", path, headers={"accept-encoding": "br, gzip;q=0.5"}) as answer:
        compressed = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert len(compressed) < len(plain.content)
    assert gzip.decompress(compressed) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]
    assert answer.headers["vary"] == plain.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("accepts", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP;Q=0.1", True),
        ("*", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=much", False),
        ("identity", False),
    ],
)
async def test_what_a_browser_takes_is_what_it_says(
    web: httpx.AsyncClient, accepts: str, is_compressed: bool
) -> None:
    page = await web.get("/", headers={"accept-encoding": accepts})
    assert ("content-encoding" in page.headers) == is_compressed


async def test_head_is_answered_as_get_is_without_the_body(web: httpx.AsyncClient) -> None:
    for path in ("/", f"{await asset_folder(web)}/theme.css"):
        head, whole = await web.head(path), await web.get(path)
        assert (head.status_code, head.content) == (200, b"")
        del head.headers["date"], whole.headers["date"]
        assert head.headers == whole.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/0123456789abcdef/theme.css",  # of another version
        "/static/{version}/nothing.js",
        "/static/{version}/buyer.html",  # a page has one address
        "/static/{version}/../theme.css",
        "/static/{version}/%2e%2e/pages.py",
        "/static/",
        "/index.html",
    ],
)
async def test_what_is_not_there_is_said_as_everywhere(web: httpx.AsyncClient, path: str) -> None:
    version = (await asset_folder(web)).rpartition("/")[2]
    answer = await web.get(path.replace("{version}", version))
    assert answer.status_code == 404
    assert answer.json()["details"][0]["reason"] == "PATH_NOT_FOUND"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_page_can_only_be_asked_for(web: httpx.AsyncClient, method: str) -> None:
    for path in ("/", f"{await asset_folder(web)}/theme.css"):
        answer = await web.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"
        assert answer.json()["details"][0]["reason"] == "METHOD_NOT_ALLOWED"


async def test_pages_need_no_token_because_they_show_nothing_by_themselves() -> None:
    line = "admin:shop:" + "0" * 64
    async with running(tokens=line) as server:
        async with httpx.AsyncClient(base_url=server.url) as web:
            assert (await web.get("/")).status_code == 200
            assert (await web.get("/v1/sales/default/status")).status_code == 401


def test_the_wheel_has_all_that_the_pages_need(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", str(tmp_path)], cwd=root, check=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if "/web/static/" in name}
    assert packed == {f"flashsale_server/web/static/{path.name}" for path in STATIC.iterdir()}

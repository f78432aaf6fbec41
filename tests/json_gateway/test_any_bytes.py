"""Whatever bytes come, the JSON door has an answer."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import quote

import httpx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.json_gateway.answers import PURCHASE
from tests.servers import running

TEXT = st.text(max_size=20)
TOKENS = st.sampled_from(
    rb'"userId": "quantity": "timeout": "a": "ann" "1s" "\ud800" { } [ , 1e999 null NaN'.split()
)
BODIES = st.binary(max_size=100) | st.lists(TOKENS, max_size=8).map(b"".join)


def test_no_bytes_make_the_server_fail() -> None:
    answers = set()
    with asyncio.Runner() as runner:
        world = AsyncExitStack()
        shop = runner.run(world.enter_async_context(running(log_level="error")))
        client = httpx.AsyncClient(base_url=shop.url, timeout=20)
        web = runner.run(world.enter_async_context(client))

        @settings(max_examples=150, deadline=None)
        @given(st.sampled_from(["", ":batch", ":stream"]), BODIES, TEXT, TEXT)
        @example("", b"", ".", "")
        @example("", b"", "..", "")
        def everything_has_an_answer(verb: str, body: bytes, path: str, query: str) -> None:
            url = f"/{quote(path, safe=':/%')}/status?{quote(query, safe='=&%.')}"
            posted = runner.run(web.post(PURCHASE + verb, content=body))
            got = runner.run(web.get(f"/flash-sale/purchase/{quote(path, safe='')}"))
            strayed = runner.run(web.get(f"/v1/sales{url}"))
            for answer in (posted, got, strayed):
                answers.add(answer.status_code)
                # A client resolves a dot by itself, and then asks for what is only posted to.
                is_posted_to = answer is got and path == "."
                expected = {405} if is_posted_to else {200, 400, 404}
                assert answer.status_code in expected, answer.text

        try:
            everything_has_an_answer()
        finally:
            runner.run(world.aclose())
    assert 400 in answers

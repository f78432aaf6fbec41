"""What every test of the JSON door starts from: a shop, and a client of its HTTP address."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.servers import Running, running


@pytest.fixture
async def shop() -> AsyncIterator[Running]:
    async with running(stock="5", per_user_limit="3", rate_limit_per_minute="10") as server:
        yield server


@pytest.fixture
async def web(shop: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as client:
        yield client

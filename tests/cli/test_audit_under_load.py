"""`flash-sale audit` of a ledger that a crowd is being sold from."""

import asyncio
import sys
from pathlib import Path

from flashsale import AsyncClient

from tests.servers import server_process


async def test_a_ledger_is_audited_while_it_grows_and_its_head_stays_in_the_chain(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/flash-sale.db"

    async def audit(*arguments: str) -> str:
        command = [sys.executable, "-m", "flashsale_server", "audit", url, *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, out.decode()
        return out.decode()

    flags = ("--stock", "10000000", "--rate-limit-per-minute", "0")
    with server_process(tmp_path, *flags) as server:
        async with AsyncClient(server.address) as client:

            async def buy_on(buyer: int) -> None:
                number = 0
                while True:
                    number += 1
                    await client.purchase(f"u-{buyer}-{number}")

            await client.purchase("the-first")
            crowd = [asyncio.create_task(buy_on(buyer)) for buyer in range(20)]
            first = await audit()
            head = first.split("head       ")[1].strip()
            later = await audit("--head", head)
            for task in crowd:
                task.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
    assert "nothing found" in later
    grown = later.split("has grown by ")[1].split(" ")[0]
    assert int(grown.replace(",", "")) > 0

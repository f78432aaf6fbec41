"""Makes docs/watch.svg anew: what `flash-sale watch` shows while a crowd buys at a real server.

python docs/picture_of_watch.py

It takes a minute, because the view shows the last one.
"""

import asyncio
import contextlib
import dataclasses
import io
import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flashsale import AsyncClient, FlashSaleError
from flashsale_server.cli.following import Seen, following
from flashsale_server.cli.live_view import picture
from flashsale_server.cli.server_options import Server
from rich.console import Console
from rich.terminal_theme import MONOKAI

PICTURE = Path(__file__).with_name("watch.svg")
COLUMNS, LINES = 80, 24
SECONDS = 62
SALE = ("--stock", "30000", "--title", "Good shoes, first of their kind", "--hold-seconds", "900")


def main() -> None:
    """Run a server and write down what is seen of it."""
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 3600))
    ports = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
    serve = [sys.executable, "-m", "flashsale_server", "serve", *ports, *SALE, "--ends-at", ends]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(  # noqa: S603  # this interpreter
            serve, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server,
    ):
        assert server.stdout is not None  # noqa: S101  # it is piped
        greeting = next(line for line in server.stdout if "gRPC" in line)
        asyncio.run(look(greeting.split()[-1]))
        server.terminate()


async def look(address: str) -> None:
    """Send a crowd and draw what there is to see at its end."""
    async with (
        following(Server(address), "default") as seen,
        AsyncClient(address, timeout=30) as client,
    ):
        await asyncio.gather(*(wave(client, second) for second in range(SECONDS)))
        await asyncio.sleep(1)  # the server's last second
        draw(seen)


async def wave(client: AsyncClient, second: int) -> None:
    """Those who come in one second: more and fewer by turns, and some for the second time."""
    await asyncio.sleep(second)
    people = round(450 + 350 * math.sin(second / 5) + 200 * math.sin(second / 1.7))
    await asyncio.gather(*(one(client, second, number) for number in range(max(people, 0))))


async def one(client: AsyncClient, second: int, number: int) -> None:
    """Hold a unit, and confirm it as a rule."""
    is_new = number % 6 > 0
    with contextlib.suppress(FlashSaleError):
        result = await client.purchase(f"user-{second if is_new else second // 20}-{number}")
        if result.purchase is not None and is_new and number % 10 < 7:
            await client.confirm(result.purchase)


def draw(seen: Seen) -> None:
    """Write the view as SVG, without fonts from elsewhere."""
    if seen.health is not None:  # it is named after the machine, which is nobody's business
        seen.health = dataclasses.replace(seen.health, node="shop-1")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(picture(seen, now=time.monotonic(), width=COLUMNS, height=LINES))
    svg = console.export_svg(title="flash-sale watch", theme=MONOKAI)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    PICTURE.write_text(svg.replace("Fira Code", "ui-monospace, Menlo, Consolas"), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the log of a server says about its callers: nothing that is theirs."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

import httpx
import jwt
import pytest
from flashsale import (
    AsyncClient,
    FlashSaleError,
    Outcome,
    PermissionDenied,
    Retries,
    Unauthenticated,
)
from flashsale_server.access import Role, new_token

from tests.access.keys import pem
from tests.access.test_doors import KEY
from tests.servers import server_process

SECRET = "Xq7"  # a part of every user id, request id and purchase here


async def test_no_token_user_or_request_is_logged(tmp_path: Path) -> None:
    token, kept = new_token(Role.ADMIN, "operator")
    bearer = jwt.encode({"sub": f"{SECRET}-jwt", "exp": time.time() + 60}, KEY, "ES256")
    (tmp_path / "keys.pem").write_text(pem(KEY))
    with (
        (tmp_path / "log").open("wb") as log,
        server_process(
            tmp_path,
            *("--tokens", str(kept), "--jwt-keys", str(tmp_path / "keys.pem")),
            *("--hold-seconds", "1", "--stock", "20", "--log-level", "info"),
            stderr=log.fileno(),
        ) as server,
    ):
        await _asks_for_everything(server.address, server.url, token, bearer)
        assert server.terminate() == 0
    said = (tmp_path / "log").read_text()
    assert '"event": "stopped"' in said
    for secret in (SECRET, token, kept.sha256, bearer, bearer.split(".")[2]):
        assert secret not in said


async def _asks_for_everything(address: str, url: str, token: str, bearer: str) -> None:
    once = Retries(1)
    async with AsyncClient(address, token=token, retries=once) as client:
        for number in range(40):
            user_id, request_id = f"{SECRET}-{number}", f"{SECRET}-r-{number}"
            await client.purchase(user_id, request_id=request_id)
        held = await client.purchase(f"{SECRET}-0", request_id=f"{SECRET}-r-0")
        assert held.purchase is not None
        await client.confirm(held.purchase)
        for refused in (
            client.purchase(f"{SECRET}-1", quantity=2, request_id=f"{SECRET}-r-1"),
            client.purchase(f"{SECRET}-a", sale_id="none"),
            client.purchase(f"{SECRET}\n"),
            client.release(held.purchase),
            client.admin.cancel_purchase(
                user_id=f"{SECRET}-none", purchase_id=f"{SECRET}-none", sale_id="default"
            ),
        ):
            with pytest.raises(FlashSaleError):
                await refused
        for number in itertools.count():  # until a hold has expired
            late = await client.purchase(f"{SECRET}-late-{number}")
            if late.outcome is not Outcome.SOLD_OUT:
                break
    for credentials in (bearer, "guessed-" + SECRET):
        async with AsyncClient(address, token=credentials, retries=once) as client:
            with pytest.raises((PermissionDenied, Unauthenticated)):
                await client.purchase(f"{SECRET}-other")
    async with httpx.AsyncClient(base_url=url) as web:
        for path in (f"/{SECRET}", f"/flash-sale/purchase/{SECRET}", f"/flash-sale/%{SECRET}"):
            answer = await web.get(path, headers={"authorization": f"Bearer {SECRET}"})
            assert answer.status_code in {400, 401, 404}


@pytest.mark.parametrize(("level", "tells"), [("info", False), ("debug", True)])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_a_failure_says_is_logged_at_debug_alone(
    level: str, tells: bool, log_format: str
) -> None:
    program = f"""
import structlog
from flashsale_server.logs import configure_logs
configure_logs({level!r}, {log_format!r})
try:
    try:
        raise KeyError("{SECRET}-cause")
    except KeyError as error:
        raise ValueError("{SECRET}") from error
except ValueError:
    structlog.get_logger().exception("it failed")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "it failed" in done.stderr
    for word in ("KeyError", "ValueError", "line 7"):
        assert word in done.stderr
    assert (SECRET in done.stderr.replace(f'raise ValueError("{SECRET}")', "")) is tells

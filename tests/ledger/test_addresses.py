"""Ledger URLs: what they open, and what people are told who mistype one."""

from pathlib import Path

import pytest
from flashsale_server import ledger as room
from flashsale_server.ledger import LedgerUnusable, open_ledger

from tests.ledger.chains import Chain
from tests.ledger.conftest import names


def test_the_room_has_one_door() -> None:
    assert room.__all__ == [
        "GENESIS_DIGEST",
        "Append",
        "AppendRejected",
        "AppendUnknown",
        "ChainAudit",
        "Ledger",
        "LedgerDamaged",
        "LedgerError",
        "LedgerSnapshot",
        "LedgerTooNew",
        "LedgerUnavailable",
        "LedgerUnusable",
        "PositionConflict",
        "copy_ledger",
        "encoded",
        "ledger_file",
        "open_ledger",
        "open_snapshot",
    ]


async def test_memory_is_a_ledger() -> None:
    ledger = await open_ledger("memory:", node="node-a")

    assert ledger.location == "memory:"


@pytest.mark.parametrize("query", ["", "?shared=1"])
async def test_a_relative_address_names_a_file_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.chdir(tmp_path)

    ledger = await open_ledger(f"sqlite:///a%20ledger%3F.db{query}", node="node-a")
    await ledger.append(Chain("sale").grow())
    await ledger.close()

    assert "a ledger?.db" in names(tmp_path)
    assert ledger.location == f"sqlite:///a%20ledger%3F.db{query}"


async def test_an_absolute_address_has_four_slashes(path: Path) -> None:
    ledger = await open_ledger(f"sqlite:///{path}", node="node-a")
    await ledger.close()

    assert path.name in names(path.parent)
    assert ledger.location == f"sqlite:///{path}"
    assert ledger.location.startswith("sqlite:////")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "there is no ledger ''; allowed are memory:, sqlite:///"),
        ("memory:x", "there is no ledger 'memory'"),
        ("flash-sale.db", "there is no ledger 'flash-sale.db'"),
        ("redis://user:secret@host", "there is no ledger 'redis'"),
        ("postgresql://user:secret@host/sale", "not part of this version"),
        ("sqlite:", "names no file"),
        ("sqlite:flash-sale.db", "names no file"),
        ("sqlite://flash-sale.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///flash-sale.db?shared=yes", "only ?shared=1 is allowed"),
        ("sqlite:///flash-sale.db?mode=ro", "only ?shared=1 is allowed"),
        ("sqlite:///flash-sale.db?shared=1&shared=1", "only ?shared=1 is allowed"),
    ],
)
async def test_another_address_is_refused_in_one_sentence_that_keeps_secrets(
    url: str, sentence: str
) -> None:
    with pytest.raises(LedgerUnusable) as refusal:
        await open_ledger(url, node="node-a")

    assert sentence in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)

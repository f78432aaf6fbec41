"""Ids are of their size, and none comes twice, also where a new lot has to be drawn."""

import re

from flashsale_server.checkout.minting import purchase_id_minting, request_id_minting


def test_purchase_ids_are_distinct_and_safe_in_a_url() -> None:
    mint = purchase_id_minting()
    drawn = [mint() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}", item) for item in drawn)


def test_request_ids_are_distinct_and_hexadecimal() -> None:
    mint = request_id_minting()
    drawn = [mint() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", item) for item in drawn)

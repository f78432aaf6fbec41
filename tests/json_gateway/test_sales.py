"""What the shop and those who hold units ask over JSON."""

from typing import Any

import httpx
import pytest

from tests.json_gateway.answers import fields_of, reason_of

HATS = "/v1/sales/hats"


async def make(web: httpx.AsyncClient, **sale: object) -> dict[str, Any]:
    answer = await web.post("/v1/sales?saleId=hats", json={"totalStock": 5, **sale})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def hold(web: httpx.AsyncClient, user_id: str) -> str:
    answer = await web.post(f"{HATS}/purchase", json={"userId": user_id})
    assert answer.json()["outcome"] == "OUTCOME_HELD", answer.text
    return str(answer.json()["purchase"]["purchaseId"])


async def test_a_sale_is_made_and_found(web: httpx.AsyncClient) -> None:
    made = await make(web, title="Hats", perUserLimit=2, holdDuration="30s")
    assert (made["saleId"], made["totalStock"], made["holdDuration"]) == ("hats", 5, "30s")
    assert (made["etag"], made["position"], made["state"]) == ("r1", "1", "SALE_STATE_LIVE")
    assert (await web.get(HATS)).json() == made
    listed = (await web.get("/v1/sales")).json()
    assert [sale["saleId"] for sale in listed["sales"]] == ["default", "hats"]
    again = await web.post("/v1/sales?saleId=hats", json={"totalStock": 5})
    assert (again.status_code, reason_of(again)) == (409, "SALE_EXISTS")


@pytest.mark.parametrize("name", ["updateMask", "update_mask"])
async def test_an_update_names_its_fields_in_the_query(web: httpx.AsyncClient, name: str) -> None:
    await make(web, title="Hats", perUserLimit=3, holdDuration="30s")
    body = {"title": "Caps", "perUserLimit": 9}
    answer = await web.patch(f"{HATS}?{name}=title,holdDuration", json=body)
    assert answer.status_code == 200, answer.text
    sale = answer.json()
    assert (sale["title"], sale["perUserLimit"], sale.get("holdDuration")) == ("Caps", 3, None)


async def test_an_update_without_a_mask_changes_what_is_set(web: httpx.AsyncClient) -> None:
    await make(web, title="Hats", perUserLimit=3)
    sale = (await web.patch(HATS, json={"title": "Caps"})).json()
    assert (sale["title"], sale["perUserLimit"]) == ("Caps", 3)
    same = (await web.patch(f"{HATS}?updateMask=*", json={"title": "Caps"})).json()
    assert same == sale


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (f"{HATS}?updateMask=nonsense", {}, ["update_mask"]),
        (f"{HATS}?updateMask=title,totalStock", {"title": "x"}, ["update_mask"]),
        (HATS, {"title": "\n", "perUserLimit": -1}, ["sale.title", "sale.per_user_limit"]),
        (HATS, {"endTime": "1999-01-01T00:00:00Z"}, ["sale.end_time"]),
        ("/v1/sales/No_Sale", {"title": "x"}, ["sale.sale_id"]),
    ],
)
async def test_a_bad_update_is_named(
    web: httpx.AsyncClient, path: str, body: dict[str, object], fields: list[str]
) -> None:
    await make(web)
    answer = await web.patch(path, json=body)
    assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")
    assert fields_of(answer) == fields
    assert (await web.get(HATS)).json()["position"] == "1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"totalStock": 2**31}, "sale"),
        ({"totalStock": "x"}, "sale"),
        ({"holdDuration": "1.0001s"}, "sale.hold_duration"),
        ({"startTime": "yesterday"}, "sale"),
        ({"nonsense": 1}, "sale"),
    ],
)
async def test_a_bad_sale_is_named(
    web: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    answer = await web.post("/v1/sales?saleId=hats", json=body)
    assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")
    assert fields_of(answer) == [field]
    assert (await web.get(HATS)).status_code == 404


async def test_the_shop_pauses_resumes_restocks_and_ends(web: httpx.AsyncClient) -> None:
    await make(web)
    states = [
        (await web.post(f"{HATS}:{verb}", json=body)).json()
        for verb, body in (
            ("pause", {}),
            ("resume", {"etag": "r2"}),
            ("restock", {"stockChange": -5}),
            ("restock", {"stockChange": 7, "etag": "r4"}),
            ("end", {}),
        )
    ]
    assert [(sale["state"].removeprefix("SALE_STATE_"), sale["totalStock"]) for sale in states] == [
        ("PAUSED", 5),
        ("LIVE", 5),
        ("SOLD_OUT", 0),
        ("LIVE", 7),
        ("ENDED", 7),
    ]


@pytest.mark.parametrize(
    ("verb", "body", "status", "reason"),
    [
        ("restock", {"stockChange": -6}, 400, "NOT_ENOUGH_UNSOLD"),
        ("restock", {"stockChange": 0}, 400, "INVALID_FIELD"),
        ("restock", {"stockChange": 2**31}, 400, "INVALID_FIELD"),
        ("restock", {"stockChange": 2**31 - 1}, 400, "INVALID_FIELD"),
        ("restock", {"stockChange": 1, "etag": "r2"}, 409, "ETAG_MISMATCH"),
        ("pause", {"etag": "x"}, 409, "ETAG_MISMATCH"),
    ],
)
async def test_a_change_that_cannot_be_made_is_refused(
    web: httpx.AsyncClient, verb: str, body: dict[str, object], status: int, reason: str
) -> None:
    made = await make(web)
    answer = await web.post(f"{HATS}:{verb}", json=body)
    assert (answer.status_code, reason_of(answer)) == (status, reason)
    assert (await web.get(HATS)).json() == made


@pytest.mark.parametrize("prefix", ["/v1/sales/hats/purchase", "/flash-sale/purchase"])
async def test_a_hold_is_confirmed_or_released(web: httpx.AsyncClient, prefix: str) -> None:
    await make(web, holdDuration="30s")
    ann, bob = await hold(web, "ann"), await hold(web, "bob")
    mine, theirs = ({"userId": user, "saleId": "hats"} for user in ("ann", "bob"))
    if prefix == "/v1/sales/hats/purchase":
        del mine["saleId"], theirs["saleId"]
    for _ in range(2):
        confirmed = await web.post(f"{prefix}/{ann}:confirm", json=mine)
        released = await web.post(f"{prefix}/{bob}:release", json=theirs)
        assert confirmed.json()["purchase"]["state"] == "PURCHASE_STATE_CONFIRMED"
        assert released.json()["purchase"]["state"] == "PURCHASE_STATE_RELEASED"
    late = await web.post(f"{prefix}/{bob}:confirm", json=theirs)
    assert (late.status_code, reason_of(late)) == (400, "HOLD_RELEASED")
    sold = await web.post(f"{prefix}/{ann}:release", json=mine)
    assert (sold.status_code, reason_of(sold)) == (400, "PURCHASE_CONFIRMED")
    nobody = await web.post(f"{prefix}/{ann}:confirm", json=theirs)
    assert (nobody.status_code, reason_of(nobody)) == (404, "PURCHASE_NOT_FOUND")


async def test_the_shop_cancels_a_purchase_and_lists_all(web: httpx.AsyncClient) -> None:
    await make(web, holdDuration="30s")
    for user in ("ann", "bob", "cid"):
        await hold(web, user)
    path, token, seen = f"{HATS}/purchases?pageSize=2", "", []
    while True:
        page = (await web.get(f"{path}&pageToken={token}")).json()
        seen += [purchase["userId"] for purchase in page["purchases"]]
        token = page["nextPageToken"]
        if not token:
            break
    assert seen == ["ann", "bob", "cid"]
    first = (await web.get(path)).json()["purchases"][0]["purchaseId"]
    cancelled = await web.post(f"{HATS}/purchases/{first}:cancel", json={"userId": "ann"})
    assert cancelled.json()["state"] == "PURCHASE_STATE_CANCELLED"
    bad = await web.get(f"{HATS}/purchases?pageSize=-1&pageToken=x")
    assert (bad.status_code, fields_of(bad)) == (400, ["page_size", "page_token"])

"""Path templates, by the grammar of google.api.http."""

from urllib.parse import quote

import pytest
from flashsale_server.json_gateway.templates import BadEscape, parsed_template
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/a/b", "/a/b", {}),
        ("/a/{x}", "/a/1", {"x": "1"}),
        ("/a/{x}", "/a/1/2", None),
        ("/a/{x}", "/a/", None),
        ("/a/{x}:stop", "/a/1:stop", {"x": "1"}),
        ("/a/{x}:stop", "/a/1:go", None),
        ("/a/{x}", "/a/1:stop", {"x": "1:stop"}),
        ("/a/*/b", "/a/anything/b", {}),
        ("/a/**", "/a/b/c", {}),
        ("/v1/{name=sales/*}/x", "/v1/sales/7/x", {"name": "sales/7"}),
        ("/v1/{name=sales/*}/x", "/v1/shops/7/x", None),
        ("/v1/{path=**}", "/v1/a/b/c", {"path": "a/b/c"}),
        ("/v1/{a.b}/{c}", "/v1/1/2", {"a.b": "1", "c": "2"}),
        ("/a.b/{x}", "/aXb/1", None),
        ("/a/{x}", "/a/1%2F2", {"x": "1/2"}),
        ("/v1/{path=**}", "/v1/a%2Fb/%E2%9C%93", {"path": "a%2Fb/✓"}),
    ],
)
def test_a_template_matches_what_it_means(
    template: str, path: str, values: dict[str, str] | None
) -> None:
    assert parsed_template(template).match(path) == values


@pytest.mark.parametrize("text", ["a/b", "/a/{x", "/a/}", "/{}"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="template"):
        parsed_template(text)


@pytest.mark.parametrize("path", ["/a/%", "/a/%2", "/a/%zz", "/a/%ff", "/a/%C3"])
def test_what_cannot_be_decoded_is_said(path: str) -> None:
    with pytest.raises(BadEscape):
        parsed_template("/a/{x}").match(path)


@given(st.text(min_size=1))
def test_any_value_survives_being_encoded(value: str) -> None:
    path = "/a/" + quote(value, safe="")
    assert parsed_template("/a/{x}").match(path) == {"x": value}

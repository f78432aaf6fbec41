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
        ("/v1/{path=**}", "/v1/", {"path": ""}),
        ("/v1/{path=**}:copy", "/v1/a:b/c:copy", {"path": "a:b/c"}),
        ("/v1/{name=a/*/b/*}", "/v1/a/1/b/2", {"name": "a/1/b/2"}),
        ("/v1/{name=a/*/b/*}", "/v1/a/1/b/2/3", None),
        ("/v1/{x=*}/{y=**}", "/v1/1/2/3", {"x": "1", "y": "2/3"}),
        ("/v1/*/{x}", "/v1//1", None),
        ("/v1/{x=only}", "/v1/only", {"x": "only"}),
        ("/v1/{x=only}", "/v1/other", None),
        ("/a/{x}", "/A/1", None),
        ("/a/{x}", "/%61/1", None),
        ("/a/{x}", "/a/+", {"x": "+"}),
        ("/a/{x}:stop", "/a/1%3Astop", None),
        ("/a/{x}:stop", "/a/1%3Astop:stop", {"x": "1:stop"}),
        ("/a/{x}:stop", "/a/:stop", None),
        ("/a/b:stop", "/a/b:stop", {}),
        ("/(a+)/{x}", "/(a+)/1", {"x": "1"}),
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


@pytest.mark.parametrize(
    ("text", "is_exact", "variables"),
    [
        ("/a/b:c", True, ()),
        ("/a/*", False, ()),
        ("/{a}/{b.c=x/*}/**", False, ("a", "b.c")),
    ],
)
def test_a_template_knows_what_it_sets(
    text: str, is_exact: bool, variables: tuple[str, ...]
) -> None:
    template = parsed_template(text)
    assert (template.is_exact, template.variables) == (is_exact, variables)


@given(st.lists(st.text(alphabet="ab/:%? ✓", min_size=1), min_size=2, max_size=2))
def test_values_side_by_side_are_kept_apart(values: list[str]) -> None:
    path = "/".join(["", *(quote(value, safe="") for value in values)]) + ":go"
    first, second = values
    assert parsed_template("/{x}/{y}:go").match(path) == {"x": first, "y": second}


@given(st.text(alphabet="ab!/:%?# ✓", min_size=1))
def test_a_value_of_several_segments_keeps_its_reserved_characters(value: str) -> None:
    path = "/a/" + quote(value, safe="")
    found = parsed_template("/a/{x=**}").match(path)
    assert found is not None
    for text in ("/", ":", "?", "#", "!"):
        assert text not in found["x"]
    assert "✓" not in value or "✓" in found["x"]


@given(st.text(min_size=1))
def test_any_value_survives_being_encoded(value: str) -> None:
    path = "/a/" + quote(value, safe="")
    assert parsed_template("/a/{x}").match(path) == {"x": value}

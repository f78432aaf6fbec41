"""Path templates, as google.api.http writes them: what they match, and their variables.

    Template = "/" Segments [ ":" LITERAL ]
    Segments = Segment { "/" Segment }
    Segment  = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"

A path is matched as it was sent, before percent-decoding, so an encoded slash or colon in a value
is never taken for one of the template's own.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_TOKEN = re.compile(
    r"(?P<variable>\{[^{}]+\})|(?P<slash>/)|(?P<many>\*\*)|(?P<one>\*)|(?P<text>[^/{}*]+)"
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED = re.compile(r"%(21|23|24|26|27|28|29|2A|2B|2C|2F|3A|3B|3D|3F|40|5B|5D)", re.IGNORECASE)
_PROTECTED = "%25\\1"


class BadEscape(ValueError):
    """A path with a percent sign that escapes nothing, or bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A template, ready to match.

    Attributes:
        text: as it was written.
        is_exact: whether it has no variables and no wildcards, so that it matches its own text.
        variables: the field paths that it sets.
    """

    text: str
    is_exact: bool
    variables: tuple[str, ...]
    _pattern: re.Pattern[str]
    _is_multi: tuple[bool, ...]

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The variables' values in a path as it was sent, percent-decoded; None where it differs.

        Raises:
            BadEscape: a value cannot be decoded.
        """
        found = self._pattern.fullmatch(raw_path)
        if found is None:
            return None
        values = zip(self.variables, found.groups(), self._is_multi, strict=True)
        return {name: _decoded(value, is_multi=multi) for name, value, multi in values}


def parsed_template(text: str) -> PathTemplate:
    """The template that `text` writes.

    Raises:
        ValueError: it is not a template.
    """
    if not text.startswith("/"):
        raise ValueError(f"path template {text!r} does not begin with a slash")
    variables: list[str] = []
    is_multi: list[bool] = []
    pattern = ""
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"path template {text!r} has no meaning from {text[position:]!r}")
        position = token.end()
        if token["variable"]:
            name, _, inner = token["variable"][1:-1].partition("=")
            variables.append(name)
            is_multi.append("/" in inner or "**" in inner)
            pattern += f"({_wildcards(inner or '*')})"
        else:
            pattern += _wildcards(token[0])
    is_exact = not variables and "*" not in text
    return PathTemplate(text, is_exact, tuple(variables), re.compile(pattern), tuple(is_multi))


def _wildcards(text: str) -> str:
    parts = re.split(r"(\*\*|\*)", text)
    meanings = {"**": ".*", "*": "[^/]+"}
    return "".join(meanings.get(part, re.escape(part)) for part in parts)


def _decoded(value: str, *, is_multi: bool) -> str:
    """Percent-decode. In a value of several segments the reserved characters stay encoded."""
    if _BAD_ESCAPE.search(value):
        raise BadEscape(f"{value!r} has a percent sign that escapes nothing")
    if is_multi:
        value = _RESERVED.sub(_PROTECTED, value)
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise BadEscape(f"{value!r} is not UTF-8 when decoded") from error

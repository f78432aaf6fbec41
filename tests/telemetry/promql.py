"""What a PromQL expression asks for: its series, and the labels and values it picks them by."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf"([a-zA-Z_:][\w:]*)\s*\{{((?:[^}}\"]|{_STRING})*)\}}")
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")
_WORDS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; `value` is a pattern where `operator` has a tilde."""

    series: str
    label: str
    operator: str
    value: str


def matchers_in(expression: str) -> Iterator[Matcher]:
    """The conditions of an expression."""
    for series, conditions in _SELECTOR.findall(expression):
        for label, operator, value in _MATCHER.findall(conditions):
            yield Matcher(series, label, operator, value[1:-1])


def groupings_in(expression: str) -> set[str]:
    """The labels that an expression groups or joins by."""
    return {
        label.strip()
        for labels in _GROUPING.findall(expression)
        for label in labels.split(",")
        if label.strip()
    }


def series_in(expression: str) -> set[str]:
    """The names of the series that an expression reads."""
    bare = re.sub(rf"\{{(?:[^}}\"]|{_STRING})*\}}|\[[^\]]*\]|{_STRING}", " ", expression)
    return set(_NAME.findall(_GROUPING.sub(" ", bare))) - _WORDS

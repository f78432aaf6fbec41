"""Bindings: which HTTP method and path reach which RPC, as the google.api.http rules say.

A new RPC with a rule needs no line here, or anywhere in this room.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from flashsale_server.checkout import MethodNotAllowed, PathNotFound
from flashsale_server.json_gateway.templates import PathTemplate, parsed_template


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the contract, and the object that answers for it.

    The object has a method for each RPC, by the RPC's name, which takes a message (or an iterator
    of messages) and the caller, and returns a message (or an iterator of messages).
    """

    descriptor: ServiceDescriptor
    servicer: object


@dataclass(frozen=True, slots=True)
class Binding:
    """One way to reach one RPC.

    Attributes:
        http_method: "GET", "POST", ...
        template: which paths lead here.
        body: the field that the body fills; "*" for all that the path leaves, "" for no body.
        rpc: the RPC.
        servicer: what answers.
    """

    http_method: str
    template: PathTemplate
    body: str
    rpc: MethodDescriptor
    servicer: object


class Routes:
    """All bindings, ready to be looked up."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.bindings = tuple(_bindings(services))
        self._exact: dict[str, dict[str, Binding]] = {}
        for binding in self.bindings:
            if binding.template.is_exact:
                methods = self._exact.setdefault(binding.template.text, {})
                methods[binding.http_method] = binding
        # Templates with more text are tried first: "/a/{b}:c" before "/a/{b}", which matches it
        # too.
        others = sorted(
            (item for item in self.bindings if not item.template.is_exact),
            key=lambda item: (-len(_text_of(item.template)), item.template.text),
        )
        self._others: dict[str, list[Binding]] = {}
        for binding in others:
            self._others.setdefault(binding.http_method, []).append(binding)

    def find(self, http_method: str, raw_path: str) -> tuple[Binding, dict[str, str]]:
        """The binding for a request, and the values in its path.

        Raises:
            PathNotFound: no binding has such a path.
            MethodNotAllowed: only other methods have it.
            BadEscape: the path cannot be decoded.
        """
        exact = self._exact.get(raw_path, {})
        if http_method in exact:
            return exact[http_method], {}
        for binding in self._others.get(http_method, ()):
            values = binding.template.match(raw_path)
            if values is not None:
                return binding, values
        allowed = {*exact, *self._methods_by_template(raw_path)}
        if allowed:
            raise MethodNotAllowed(
                f"{raw_path} cannot be asked with {http_method}", sorted(allowed)
            )
        raise PathNotFound(f"there is nothing at {raw_path}")

    def _methods_by_template(self, raw_path: str) -> Iterator[str]:
        for method, bindings in self._others.items():
            if any(item.template.match(raw_path) is not None for item in bindings):
                yield method


def _bindings(services: Sequence[Service]) -> Iterator[Binding]:
    for service in services:
        for rpc in service.descriptor.methods:
            rule = rpc.GetOptions().Extensions[annotations_pb2.http]
            for one in (rule, *rule.additional_bindings):
                pattern = one.WhichOneof("pattern")
                if pattern is not None:
                    method, path = _method_and_path(one, pattern)
                    yield Binding(method, parsed_template(path), one.body, rpc, service.servicer)


def _method_and_path(rule: http_pb2.HttpRule, pattern: str) -> tuple[str, str]:
    if pattern == "custom":
        return rule.custom.kind, rule.custom.path
    path: str = getattr(rule, pattern)
    return pattern.upper(), path


def _text_of(template: PathTemplate) -> str:
    """The parts of a template that stand for themselves."""
    text = template.text
    for name in template.variables:
        start = text.index("{" + name)
        text = text[:start] + text[text.index("}", start) + 1 :]
    return text.replace("*", "")

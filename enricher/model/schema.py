"""JSON Schemas of everything we write, generated from the types and their docstrings."""

import ast
import inspect
import itertools
from typing import Any, Final

import msgspec

from enricher.model.endpoint import EndpointEvent
from enricher.model.observation import Observation
from enricher.model.verdict import LedgerRow, Notice

OUTPUTS: Final[dict[str, Any]] = {
    "observation": Observation,
    "endpoint": EndpointEvent,
    "session": LedgerRow,
    "notice": Notice,
}
"""Name of an output to the type of its lines."""


def schema(title: str, root_type: Any) -> dict[str, Any]:
    """JSON Schema 2020-12 of a type, with each field's docstring as its description."""
    (root,), components = msgspec.json.schema_components([root_type], ref_template="#/$defs/{name}")
    types = {cls.__name__: cls for cls in _structs(root_type)}
    for key, component in components.items():
        if key in types:
            _describe(component, types[key])
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"AN1496 {title}",
        **root,
        "$defs": components,
    }
    return msgspec.json.decode(msgspec.json.encode(whole), type=dict[str, Any])


def _structs(root: Any) -> set[type[msgspec.Struct]]:
    """Every Struct that a type holds, at any depth."""
    found: set[type[msgspec.Struct]] = set()
    waiting = [msgspec.inspect.type_info(root)]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in found:
                continue
            found.add(info.cls)
            waiting += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting += info.types
        elif isinstance(info, msgspec.inspect.VarTupleType):
            waiting.append(info.item_type)
    return found


def _describe(component: dict[str, Any], cls: type[msgspec.Struct]) -> None:
    if "description" in component:  # Python 3.13 takes the indentation out of docstrings, those before it do not
        component["description"] = " ".join(component["description"].split())
    names = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    for info in msgspec.structs.fields(cls):
        shown = component["properties"][info.encode_name]
        if isinstance(info.default, frozenset):  # in another order in every process
            shown["default"] = sorted(info.default)
        elif isinstance(info.default, msgspec.Struct):  # said where it is defined
            del shown["default"]
    for base in reversed(cls.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            for field, text in _docstrings(base).items():
                component["properties"][names[field]]["description"] = text


def _docstrings(cls: type) -> dict[str, str]:
    """The string that stands below each field in the class's source."""
    (body,) = [node.body for node in ast.parse(inspect.getsource(cls)).body if isinstance(node, ast.ClassDef)]
    found = {}
    for field, below in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            found[field.target.id] = " ".join(str(text).split())
    return found

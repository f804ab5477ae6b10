"""Fields of results described once, in a comment beside the field, which ``help()`` and the site show as well."""

from __future__ import annotations

import ast
import inspect
import io
import re
import textwrap
import tokenize
from typing import TypeVar

Class = TypeVar("Class", bound=type)

# How annotations read in numpydoc's sections.
_WORDS = (
    (r"NDArray\[np\.(?:floating|float\d+)\]|\b(?:Floats|FloatArray|np\.ndarray)\b", "ndarray"),
    (r"NDArray\[np\.(?:signedinteger|integer|intp|u?int\d+)(?:\[Any\])?\]|\b(?:Ints|Indices)\b", "ndarray of int"),
    (r"NDArray\[np\.bool_\]|\bBools\b", "ndarray of bool"),
    (r"NDArray\[np\.str_\]|\bSymbols\b", "ndarray of str"),
    (r" \| ", " or "),
)
_SHAPE = re.compile(r"(\((?:[\w +\-*.]+,? ?)+\)(?: (?:and|or) \([^)]*\))?|\{[^}]*\}): ")
_GROUP = re.compile(r"(\w+(?:, \w+)+): ")
_LATER = re.compile(r"^(?:Raises|Notes|See Also|References|Examples)\n-+$", re.MULTILINE)


class _FieldDocs:
    """Docstring of a class, to which the comments of its fields are added when somebody looks: sources are slow."""

    def __init__(self, cls: type, text: str) -> None:
        self.cls, self.text, self.read = cls, text, False

    def __get__(self, instance: object, owner: type) -> str:
        if not self.read:
            self.text, self.read = _with_attributes(self.cls, self.text), True
        return self.text


def documented(cls: Class) -> Class:
    """Show the comments of the fields of a dataclass in its docstring, as numpydoc's section of attributes.

    A comment stands behind the field, or in whole lines above it; with ``a, b: `` in front it is of several fields.
    ``(N, 3): `` or ``{"x", "y"}: `` in front says the shape of an array, or the words that are possible.
    """
    if cls.__doc__:
        cls.__doc__ = _FieldDocs(cls, inspect.cleandoc(cls.__doc__))  # type: ignore[assignment]  # it is read as a str
    return cls


def said_of_fields(cls: type) -> dict[str, str]:
    """What the docstring of a class says of its fields, units among it, each as a part of a sentence."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (cls.__doc__ or "").partition("Attributes\n----------\n")[2].splitlines():
        if head := re.match(r"(\w+(?:, \w+)*) : ", line):
            names = head[1].split(", ")
        elif not line.startswith("    "):
            names = []  # another section
        for name in [] if head else names:
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    small = {name: text[:1].lower() + text[1:] if text[1:2].islower() else text for name, text in found.items()}
    return {name: text.removesuffix(".") for name, text in small.items()}


def _with_attributes(cls: type, text: str) -> str:
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):  # without the source the first sentences have to do
        return text
    section = "\n".join(["Attributes", "----------", *_attributes(source)])
    later = _LATER.search(text)
    at = later.start() if later else len(text)
    return f"{text[:at].rstrip()}\n\n{section}\n\n{text[at:]}".rstrip()


def _attributes(source: str) -> list[str]:
    comments: dict[int, str] = {}
    whole = set()  # lines that hold nothing but a comment
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("# type:", "# noqa", "# fmt:")):
            comments[token.start[0]] = token.string.lstrip("# ")
            if not token.line[: token.start[1]].strip():
                whole.add(token.start[0])
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    lines: list[str] = []
    of_group: set[str] = set()
    for field in tree.body:
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if field.target.id in of_group or ast.unparse(field.annotation).startswith("ClassVar"):
            continue
        first = field.lineno
        while first - 1 in whole:
            first -= 1
        said = " ".join(comments[k] for k in range(first, field.lineno)) or comments.get(field.end_lineno or 0, "")
        group = _GROUP.match(said)
        names = group.group(1) if group else field.target.id
        of_group = set(names.split(", "))
        said = said[group.end() :] if group else said
        kind = ast.unparse(field.annotation)
        for pattern, word in _WORDS:
            kind = re.sub(pattern, word, kind)
        shape = _SHAPE.match(said)
        if shape:
            kind = f"{kind}, {shape.group(1)}" if said[0] == "(" else shape.group(1)
            said = said[shape.end() :]
        lines.append(f"{names} : {kind}")
        if said:
            if said.split()[0].rstrip(",;").isalpha():
                said = said[0].upper() + said[1:]
            indent = 4 * " "
            lines += textwrap.wrap(
                said if said.endswith(".") else f"{said}.", 114, initial_indent=indent, subsequent_indent=indent
            )
    return lines

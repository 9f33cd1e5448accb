"""Makes the mutants of one source file: each is the file with one small fault in it.

The faults are mutmut's (its operators on syntax trees), and a few that it does not have: a call left out, a
condition turned round, and the comparisons inside SQL. Left alone is what no behaviour hangs on: docstrings,
annotations, decorators, the words of log lines and of assertions, and the branches for what cannot be.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

Operator = Callable[[cst.CSTNode], Iterable[cst.CSTNode]]

UNTOUCHED_CALLS = frozenset({"len", "isinstance", "cast", "assert_never", "TypeVar", "super", "getLogger"})
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|ORDER BY)\b")
SQL_FAULTS = (
    (re.compile(r"<="), "<"),
    (re.compile(r">="), ">"),
    (re.compile(r"(?<![<>])<(?![=>])"), "<="),
    (re.compile(r"(?<![<>])>(?!=)"), ">="),
    (re.compile(r"\bAND\b"), "OR"),
    (re.compile(r"\bOR\b(?! (IGNORE|REPLACE))"), "AND"),
    (re.compile(r" DESC\b"), ""),
    (re.compile(r"\bIS NOT NULL\b"), "IS NULL"),
    (re.compile(r"\bIS NULL\b"), "IS NOT NULL"),
    (re.compile(r"\bNOT IN\b"), "IN"),
    (re.compile(r"\bMAX\("), "MIN("),
    (re.compile(r"\bMIN\("), "MAX("),
    (re.compile(r"\bOR IGNORE "), ""),
)


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    file: str
    function: str
    """Its qualified name; empty for what runs when the module is imported."""
    first_line: int
    """Where the function's code begins (its first decorator, if it has one); 0 for the module."""
    change: str
    """The changed lines, `old → new`, with the spaces squeezed: what explains it by is this."""
    text: str
    """The whole file with the fault in it."""


def mutants_of(path: Path, name: str) -> list[Mutant]:
    """Give every mutant of a file, in the order of the file; `name` is the file's within the project."""
    source = path.read_text()
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Faults(wrapper.module, source)
    wrapper.visit(visitor)
    found: dict[str, Mutant] = {}
    for function, first_line, text in visitor.made:
        if text == source or text in found or not _parses(text):
            continue
        found[text] = Mutant(name, function, first_line, change_of(source, text), text)
    return list(found.values())


def change_of(old: str, new: str) -> str:
    """Give the lines that differ, in one line."""
    before, after = old.splitlines(), new.splitlines()
    parts = [
        f"{_joined(before[a:b])} → {_joined(after[c:d])}"
        for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        if tag != "equal"
    ]
    return " ; ".join(parts)


def _joined(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


class _Faults(cst.CSTVisitor):
    """Walks a module and makes the text of every mutant."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, module: cst.Module, source: str) -> None:
        super().__init__()
        self.made: list[tuple[str, int, str]] = []
        self._module = module
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._names: list[str] = []
        self._function: tuple[str, int] | None = None
        self._depth = 0
        self._column = 0
        """How far the statement that is visited is indented."""

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _untouched(node, inside=self._function is not None):
            return False
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            self._column = self.get_metadata(PositionProvider, node).start.column
        if isinstance(node, cst.Assert):
            node.test.visit(self)
            return False
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self._names.append(node.name.value)
        if isinstance(node, cst.FunctionDef):
            if self._depth == 0:
                first = node.decorators[0] if node.decorators else node
                line = self.get_metadata(PositionProvider, first).start.line
                self._function = (".".join(self._names), line)
            self._depth += 1
        for fault in faults(node, inside=self._function is not None):
            self._make(node, fault)
        if isinstance(node, cst.If | cst.While) and isinstance(
            node.test, cst.Name | cst.Attribute | cst.Call
        ):
            turned = cst.UnaryOperation(cst.Not(), node.test)
            self._make(node.test, turned)
        return True

    def _make(self, node: cst.CSTNode, fault: cst.CSTNode) -> None:
        self.made.append((*(self._function or ("", 0)), self._with(node, fault)))

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if _untouched(original_node, inside=self._function is not None):
            return
        if isinstance(original_node, cst.ClassDef | cst.FunctionDef):
            self._names.pop()
        if isinstance(original_node, cst.FunctionDef):
            self._depth -= 1
            if self._depth == 0:
                self._function = None

    def _plainly(self, node: cst.CSTNode) -> str:
        return self._module.code_for_node(node)

    def _bare(self, node: cst.CSTNode) -> str:
        return self._plainly(node).strip()

    def _indented(self, node: cst.CSTNode) -> str:
        lines = self._bare(node).split("\n")
        return "\n".join([lines[0], *(" " * self._column + line if line else line for line in lines[1:])])

    def _with(self, node: cst.CSTNode, fault: cst.CSTNode) -> str:
        """Give the source with a node replaced: by cutting where that is exact, else through the tree."""
        place = self.get_metadata(PositionProvider, node, None)
        if isinstance(place, CodeRange):
            begin = self._starts[place.start.line - 1] + place.start.column
            end = self._starts[place.end.line - 1] + place.end.column
            for written in (self._plainly, self._bare, self._indented):
                if self._source[begin:end] == written(node):
                    return self._source[:begin] + written(fault) + self._source[end:]
        return self._module.deep_replace(node, fault).code  # type: ignore[no-any-return, arg-type, union-attr]


def _untouched(node: cst.CSTNode, *, inside: bool) -> bool:
    match node:
        case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom():
            return True
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString() | cst.Ellipsis()):
            return True
        case cst.Expr(value=cst.Call() as call):
            return _untouched(call, inside=inside)
        case cst.Call(func=cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name))):
            if name in UNTOUCHED_CALLS:
                return True
            return isinstance(node.func, cst.Attribute) and m.matches(node.func.value, m.Name("log"))
        case cst.AnnAssign(annotation=cst.Annotation(annotation=cst.Name(value="TypeAlias"))):
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]) if not inside:
            return name in {"log", "T", "__all__"} or m.matches(node.value, m.Call(func=m.Name("TypeVar")))
        case cst.If(test=cst.Name(value="TYPE_CHECKING")):
            return True
        case cst.MatchCase(body=body):
            return _cannot_be(body)
        case _:
            return False


def _cannot_be(body: cst.BaseSuite) -> bool:
    return m.matches(
        body,
        m.IndentedBlock(body=[m.SimpleStatementLine(body=[m.Expr(m.Call(func=m.Name("assert_never")))])]),
    )


def faults(node: cst.CSTNode, *, inside: bool) -> Iterator[cst.CSTNode]:
    """Give what may stand in a node's place."""
    if isinstance(node, cst.SimpleString):
        yield from _wrong_words(node)
        return
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            if isinstance(node, cst.Match):
                for fault in operator(node):
                    gone = [case for case in node.cases if all(case is not kept for kept in fault.cases)]  # type: ignore[attr-defined]
                    if not any(_cannot_be(case.body) for case in gone):
                        yield fault
            else:
                yield from operator(node)
    if inside and isinstance(node, cst.Expr) and isinstance(node.value, cst.Call | cst.Await):
        yield cst.Pass()


def _wrong_words(node: cst.SimpleString) -> Iterator[cst.SimpleString]:
    """Other words. Where they are SQL, whose keywords have no case, its comparisons are turned instead."""
    quote = node.value[-1]
    if node.value.lstrip("rRbBuUfF").startswith(('"""', "'''")) and not SQL.search(node.value):
        return
    prefix = node.value[: node.value.index(quote)]
    if SQL.search(node.value):
        for pattern, instead in SQL_FAULTS:
            for hit in pattern.finditer(node.value):
                yield node.with_changes(value=node.value[: hit.start()] + instead + node.value[hit.end() :])
        return
    words = node.value[len(prefix) + 1 : -1]
    yield node.with_changes(value=f"{prefix}{quote}XX{words}XX{quote}")

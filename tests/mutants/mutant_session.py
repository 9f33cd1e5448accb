"""Runs the tests of one source file against its mutants, in one process that forks for each of them.

Everything is imported and collected once. A mutant of a function is put in place in the fork, by giving the
function the code of the mutant; then only those tests run that enter the function at all, the fastest first,
until one fails. A mutant of what runs at import time (constants, defaults of fields) needs the import: there
the fork takes place before anything of the gateway is loaded, and all tests of the file run.

Started by `run.py`, one process a file: `mutant_session.py JOB.json`.
"""

from __future__ import annotations

import gc
import importlib.machinery
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

QUIET = [
    "-q",
    "-s",
    "-x",
    "--no-header",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:terminalreporter",
    "-p",
    "no:cov",
]
QUIET += ["-p", "no:xdist", "-p", "no:faulthandler", "-o", "tmp_path_retention_policy=none"]
LIMIT_CPU_S = 30  # a fork that works longer hangs: it is ended, and counts as noticed
LIMIT_S = 240.0  # the same for one that only waits; generous, for others use the machine too
SLOW_S = 0.5  # a test that fails after so long may only have been late: it fails twice, or it has not failed
KILLED, SURVIVED, HUNG, UNTESTED, BROKEN = "killed", "survived", "hung", "untested", "broken"


@dataclass
class Job:
    """What one process does."""

    file: str
    tests: list[str]
    quick: list[str]
    """Those that are run for a mutant of what happens at import."""
    jobs: int
    report: str
    mutants: list[dict[str, Any]]
    """`function`, `first_line`, `text`; to which `status`, `by` and `seconds` are added."""
    limit_cpu_s: int = LIMIT_CPU_S


@dataclass
class Fork:
    """One mutant on trial."""

    mutant: dict[str, Any]
    reader: int
    began: float = field(default_factory=time.monotonic)


class Trials:
    """As many forks at once as there are jobs."""

    def __init__(self, jobs: int, limit_cpu_s: int) -> None:
        self._jobs = jobs
        self._limit_cpu_s = limit_cpu_s
        self._forks: dict[int, Fork] = {}

    def start(self, mutant: dict[str, Any], trial: Callable[[], str]) -> None:
        """Try a mutant: `trial` runs in the fork and gives the name of the test that failed, or nothing."""
        while len(self._forks) >= self._jobs:
            self._wait()
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            code = 2
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (self._limit_cpu_s, self._limit_cpu_s + 1))
                silence()
                by = trial()
                os.write(writer, by.encode()[:4000])
                code = 1 if by else 0
            finally:
                os._exit(code)
        os.close(writer)
        self._forks[pid] = Fork(mutant, reader)

    def finish(self) -> None:
        """Wait for all."""
        while self._forks:
            self._wait()

    def _wait(self) -> None:
        before = len(self._forks)
        while len(self._forks) == before:
            for pid, fork in list(self._forks.items()):
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    self._ended(pid, fork, os.waitstatus_to_exitcode(status))
                elif time.monotonic() - fork.began > LIMIT_S:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    self._ended(pid, fork, None)
            if len(self._forks) == before:
                time.sleep(0.003)

    def _ended(self, pid: int, fork: Fork, code: int | None) -> None:
        del self._forks[pid]
        by = os.read(fork.reader, 4000).decode(errors="replace")
        os.close(fork.reader)
        # Ended by a signal, or before it could say anything: the fault broke the process itself.
        hung = code is None or -code in (signal.SIGXCPU, signal.SIGKILL)
        status = HUNG if hung else {0: SURVIVED, 1: KILLED}.get(code or 0, BROKEN)
        fork.mutant |= {"status": status, "by": by, "seconds": round(time.monotonic() - fork.began, 2)}


class Loop:
    """A plugin of pytest that tries mutants instead of running the tests once."""

    def __init__(self, job: Job, path: Path) -> None:
        self._job = job
        self._path = str(path)
        self._trials = Trials(job.jobs, job.limit_cpu_s)
        self.failed = ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Find out which test enters which function, then try every mutant of a function."""
        if session.testsfailed:
            self.failed = "the tests cannot be collected"
            return True
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        reach = self._reach(session.items)
        if self.failed:
            return True
        functions = self._functions()
        gc.collect()
        gc.freeze()
        for mutant in self._job.mutants:
            key = f"{mutant['function']}:{mutant['first_line']}"
            items = [
                session.items[number] for number, _ in sorted(reach.get(key, ()), key=lambda each: each[1])
            ]
            if not items:
                mutant |= {"status": UNTESTED, "by": "", "seconds": 0}
                continue
            self._trials.start(
                mutant, lambda mutant=mutant, items=items: self._trial(mutant, items, functions)
            )
        self._trials.finish()
        return True

    def _reach(self, items: list[pytest.Item]) -> dict[str, list[tuple[int, float]]]:
        """Run every test once, unchanged, in a fork, and note the functions of the file that it enters."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            try:
                silence()
                document = self._watched(items)
                with os.fdopen(writer, "w") as out:
                    json.dump(document, out)
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as source:
            text = source.read()
        os.waitpid(pid, 0)
        document = json.loads(text or '{"failed": "the tests broke off", "reach": {}}')
        self.failed = document["failed"]
        return document["reach"]  # type: ignore[no-any-return]

    def _watched(self, items: list[pytest.Item]) -> dict[str, Any]:
        entered: set[CodeType] = set()
        path = self._path

        def watch(frame: Any, event: str, _: Any) -> None:
            if event == "call" and frame.f_code.co_filename == path:
                entered.add(frame.f_code)

        reach: dict[str, list[tuple[int, float]]] = {}
        threading.setprofile(watch)
        for number, item in enumerate(items):
            entered.clear()
            began = time.perf_counter()
            sys.setprofile(watch)
            failed = run(item, items[number + 1] if number + 1 < len(items) else None)
            sys.setprofile(None)
            if failed:
                return {"failed": f"{item.nodeid} fails without any fault", "reach": {}}
            seconds = time.perf_counter() - began
            for key in {outermost(code) for code in entered}:
                reach.setdefault(key, []).append((number, seconds))
        lines = dict(self._lines())
        return {"failed": "", "reach": {lines[name]: each for name, each in reach.items() if name in lines}}

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Give for each outermost function `name` the key with its line."""
        seen: set[str] = set()
        for mutant in self._job.mutants:
            key = f"{mutant['function']}:{mutant['first_line']}"
            if key not in seen:
                seen.add(key)
                yield mutant["function"], key

    def _functions(self) -> dict[str, list[FunctionType]]:
        found: dict[str, list[FunctionType]] = {}
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename == self._path:
                key = f"{each.__code__.co_qualname}:{each.__code__.co_firstlineno}"
                found.setdefault(key, []).append(each)
        return found

    def _trial(
        self, mutant: dict[str, Any], items: list[pytest.Item], functions: dict[str, list[FunctionType]]
    ) -> str:
        key = f"{mutant['function']}:{mutant['first_line']}"
        code, defaults = compiled(mutant["text"], self._path, key)
        if not functions.get(key):
            raise LookupError(key)
        for function in functions[key]:
            try:
                function.__code__ = code
            except ValueError:
                return "the function's closure"  # it lost or gained a variable of its class: it cannot run
            if defaults is not None:
                function.__defaults__, function.__kwdefaults__ = defaults
        for number, item in enumerate(items):
            if run(item, items[number + 1] if number + 1 < len(items) else None):
                return item.nodeid
        return ""


def run(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run one test; tell whether it failed."""
    from _pytest.runner import runtestprotocol

    def failed() -> bool:
        item._initrequest()  # type: ignore[attr-defined]
        return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))

    began = time.monotonic()
    return failed() and (time.monotonic() - began < SLOW_S or failed())


def outermost(code: CodeType) -> str:
    """Give the name of the function of a module or class in which this code stands."""
    return code.co_qualname.partition(".<locals>")[0]


def compiled(text: str, path: str, key: str) -> tuple[CodeType, tuple[Any, Any] | None]:
    """Give the code of the changed function. Its simple defaults, where they are all literals."""
    import ast

    tree = ast.parse(text)
    module = compile(tree, path, "exec", dont_inherit=True)
    pending = [module]
    found: CodeType | None = None
    while pending:
        code = pending.pop()
        for each in code.co_consts:
            if isinstance(each, CodeType):
                if f"{each.co_qualname}:{each.co_firstlineno}" == key:
                    found = each
                pending.append(each)
    if found is None:
        raise LookupError(key)
    line = int(key.rpartition(":")[2])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == line and node.name == found.co_name:
                with suppress(ValueError):
                    positional = tuple(ast.literal_eval(each) for each in node.args.defaults)
                    named = {
                        arg.arg: ast.literal_eval(value)
                        for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                        if value is not None
                    }
                    return found, (positional or None, named or None)
    return found, None


def silence() -> None:
    """Let a fork say nothing."""
    null = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(null, each)


class Instead:
    """A finder that loads one module from the text of a mutant."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._path, self._text = name, str(path), text

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """Find the module under its own name and path."""
        if name != self._name:
            return None
        loader = importlib.machinery.SourceFileLoader(name, self._path)
        loader.get_code = lambda _: compile(self._text, self._path, "exec", dont_inherit=True)  # type: ignore[method-assign]
        return importlib.machinery.ModuleSpec(name, loader, origin=self._path)


def imported_anew(mutant: dict[str, Any], name: str, path: Path, tests: list[str]) -> str:
    """Run all tests with the mutant imported in place of the module."""
    failed: list[str] = []

    class First:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid)

    if mutant["text"]:
        sys.meta_path.insert(0, Instead(name, path, mutant["text"]))
    code = pytest.main([*QUIET, *tests], plugins=[First()])
    return failed[0] if failed else "" if code == 0 else "the import"


def main() -> None:
    """Do one job."""
    source = Path(sys.argv[1])
    document = json.loads(source.read_text())
    job = Job(**document)
    path = Path(job.file).resolve()
    from hypothesis import Phase, settings

    settings.register_profile(
        "mutants", database=None, derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutants")
    everything = job.mutants
    at_import = [each for each in everything if not each["function"]]
    failed = ""
    trials = Trials(job.jobs, job.limit_cpu_s)
    name = job.file.removesuffix(".py").replace("/", ".")
    if at_import and job.quick:
        heavy()
        gc.freeze()
        clean: dict[str, Any] = {"text": ""}
        trials.start(clean, lambda: imported_anew(clean, name, path, job.quick))
        trials.finish()
        if clean["status"] != SURVIVED:
            failed = f"{clean['by'] or clean['status']} without any fault"
        else:
            for mutant in at_import:
                trials.start(mutant, lambda mutant=mutant: imported_anew(mutant, name, path, job.quick))
            trials.finish()
    job.mutants = [each for each in everything if each["function"]]
    if job.mutants and job.tests and not failed:
        loop = Loop(job, path)
        pytest.main([*QUIET, *job.tests], plugins=[loop])
        failed = loop.failed
    for each in everything:
        each.pop("text", None)
    Path(job.report).write_text(json.dumps({"failed": failed, "mutants": everything}))


def heavy() -> None:
    """Import what is dear and not of the gateway, once for all forks."""
    for name in ("orjson", "pydantic", "starlette.applications", "hypothesis.stateful", "looptime"):
        with suppress(ImportError):
            importlib.import_module(name)


if __name__ == "__main__":
    main()

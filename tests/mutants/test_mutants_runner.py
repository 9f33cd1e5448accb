"""The mutants' own workshop: which faults are made, and that one which no test notices is told apart."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mutant_making import Mutant, mutants_of
from mutant_results import PLAN, Explanation, FileResults, Result, explain, explanations, plan, table

HERE = Path(__file__).parent
SAMPLE = '''"""A sample."""

LIMIT = 3


def enough(count: int, most: int = 2) -> bool:
    """Tell whether there are enough."""
    log.debug("counted %d", count)
    assert count >= 0, "a count"
    note("seen")
    return count >= most and named("x")


class Shelf:
    """A shelf."""

    @property
    def full(self) -> bool:
        """Tell whether it is full."""
        return len(self.rows) > LIMIT

    def rows_of(self, sql):
        """Read."""
        return sql("SELECT a FROM t WHERE b <= ? AND c IS NULL ORDER BY d DESC")
'''


def made(tmp_path: Path, source: str = SAMPLE) -> list[Mutant]:
    """Make the mutants of a source."""
    path = tmp_path / "sample.py"
    path.write_text(source)
    return mutants_of(path, "sample.py")


def test_each_mutant_is_the_file_with_one_fault_in_it(tmp_path: Path) -> None:
    """Named by file, function and the lines that differ."""
    found = made(tmp_path)
    assert [(each.function, each.change) for each in found if each.function != "Shelf.rows_of"] == [
        ("", "LIMIT = 3 → LIMIT = None"),
        ("", "LIMIT = 3 → LIMIT = 4"),
        (
            "enough",
            "def enough(count: int, most: int = 2) -> bool: → def enough(count: int, most: int = 3) -> bool:",
        ),
        ("enough", 'assert count >= 0, "a count" → assert count > 0, "a count"'),
        ("enough", 'assert count >= 0, "a count" → assert count >= 1, "a count"'),
        ("enough", 'note("seen") → pass'),
        ("enough", 'note("seen") → note(None)'),
        ("enough", 'note("seen") → note("XXseenXX")'),
        ("enough", 'return count >= most and named("x") → return count >= most or named("x")'),
        ("enough", 'return count >= most and named("x") → return count > most and named("x")'),
        ("enough", 'return count >= most and named("x") → return count >= most and named(None)'),
        ("enough", 'return count >= most and named("x") → return count >= most and named("XXxXX")'),
        ("Shelf.full", "return len(self.rows) > LIMIT → return len(self.rows) >= LIMIT"),
    ]
    assert len({each.text for each in found}) == len(found)
    for each in found:
        differing = [line for line in each.text.splitlines() if line not in SAMPLE.splitlines()]
        assert len(differing) == 1


def test_in_sql_the_comparisons_are_turned(tmp_path: Path) -> None:
    """Not its letters, which mean nothing to it."""
    found = [each.change.partition(" → ")[2] for each in made(tmp_path) if each.function == "Shelf.rows_of"]
    assert found == [
        "return sql(None)",
        'return sql("SELECT a FROM t WHERE b < ? AND c IS NULL ORDER BY d DESC")',
        'return sql("SELECT a FROM t WHERE b <= ? OR c IS NULL ORDER BY d DESC")',
        'return sql("SELECT a FROM t WHERE b <= ? AND c IS NULL ORDER BY d")',
        'return sql("SELECT a FROM t WHERE b <= ? AND c IS NOT NULL ORDER BY d DESC")',
    ]


def test_what_a_test_notices_is_told_from_what_none_does(tmp_path: Path) -> None:
    """In functions and constants; also a fault that never ends, and one that nobody enters."""
    (tmp_path / "sample.py").write_text(
        "LIMIT = 3\n\n\n"
        "def enough(count):\n    return count > LIMIT\n\n\n"
        "def unseen(count):\n    return count + 1\n\n\n"
        "def down(count):\n    while count:\n        count = count - 1\n    return count\n"
    )
    (tmp_path / "test_sample.py").write_text(
        "from sample import LIMIT, down, enough\n\n\n"
        "def test_it():\n    assert enough(5)\n    assert not enough(3)\n    assert LIMIT == 3\n\n\n"
        "def test_down():\n    assert down(2) == 0\n"
    )
    mutants = mutants_of(tmp_path / "sample.py", "sample.py")
    wanted = [
        {"function": each.function, "first_line": each.first_line, "change": each.change, "text": each.text}
        for each in mutants
    ]
    job = {
        "file": "sample.py",
        "tests": ["test_sample.py"],
        "quick": ["test_sample.py"],
        "jobs": 2,
        "report": "report.json",
        "mutants": wanted,
        "limit_cpu_s": 5,
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    (tmp_path / "conftest.py").write_text("import sys\nsys.path.insert(0, '.')\n")
    script = [sys.executable, str(HERE / "mutant_session.py"), "job.json"]
    ended = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (ended.returncode, report["failed"]) == (0, ""), ended.stderr
    status = {each["change"]: each["status"] for each in report["mutants"]}
    assert status == {
        "LIMIT = 3 → LIMIT = None": "killed",
        "LIMIT = 3 → LIMIT = 4": "killed",
        "return count > LIMIT → return count >= LIMIT": "killed",
        "return count + 1 → return count - 1": "untested",
        "return count + 1 → return count + 2": "untested",
        "while count: → while not count:": "killed",
        "count = count - 1 → count = None": "killed",
        "count = count - 1 → count = count + 1": "hung",
        "count = count - 1 → count = count - 2": "survived",
    }
    killers = {each["by"] for each in report["mutants"] if each["status"] == "killed"}
    assert killers <= {"test_sample.py::test_it", "test_sample.py::test_down"}


def test_what_is_explained_counts_as_such_and_nothing_else() -> None:
    """By file, function and change; an explanation that meets nothing is stale."""
    entry = Explanation("a/*.py", "f", "equal", ("x → y",), ())
    other = Explanation("a/b.py", "*", "equal", ("p → q",), ())
    results = [
        Result("f", "x → y", "survived"),
        Result("g", "x → y", "survived"),
        Result("f", "x → z", "survived"),
        Result("f", "x → y", "killed"),
    ]
    each = FileResults("a/b.py", "", {}, results)
    explain(each, [entry, other])
    assert [result.status for result in results] == ["explained", "survived", "survived", "killed"]
    assert (entry.stale(), other.stale()) == ([], ["p → q"])
    assert "| `a/b.py` | 4 | 1 | 0 | 1 | 2 | 0 | 0 | 0 |" in table([each])


def test_the_plan_names_tests_that_are_there_and_leaves_no_file_out() -> None:
    """And each explanation speaks of a file that is there, with a reason."""
    entries = tomllib.loads(PLAN.read_text("utf-8"))["module"]
    for glob in (glob for entry in entries for glob in (*entry["tests"], *entry.get("quick", ()))):
        assert list(Path().glob(glob)), glob
    for name, (tests, quick) in plan().items():
        assert tests, f"no test is named for {name}"
        assert quick, name
    for entry in explanations():
        assert list(Path().glob(entry.file)), entry.file
        assert len(entry.reason) > 20


@pytest.mark.parametrize("words", ["file = 'x'\nchanges = ['a → b']", "file = 'x'\nreason = 'so'"])
def test_an_explanation_without_reason_or_change_is_refused(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody explains away what nobody has named."""
    path = tmp_path / "explained.toml"
    path.write_text(f"[[mutants]]\n{words}\n")
    monkeypatch.setattr("mutant_results.EXPLAINED", path)
    with pytest.raises(ValueError, match=r"needs a reason, and changes or like"):
        explanations()

"""What came of the mutants: kept between runs, compared with what is explained, and counted."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PLAN, EXPLAINED = HERE / "plan.toml", HERE / "explained.toml"
NOTICED = frozenset({"killed", "hung"})
COLUMNS = ("made", "killed", "hung", "explained", "survived", "untested", "broken", "not run")


@dataclass
class Result:
    """One mutant, tried."""

    function: str
    change: str
    status: str
    by: str = ""
    seconds: float = 0.0


@dataclass
class FileResults:
    """The mutants of one file."""

    file: str
    source: str
    """Digest of the file as it was."""
    tests: dict[str, str]
    """Digests of the test files as they were."""
    results: list[Result] = field(default_factory=list)
    failed: str = ""
    """Why nothing could be tried."""

    def counts(self) -> Counter[str]:
        """Count by status; `made` is all."""
        return Counter({"made": len(self.results)}) + Counter(each.status for each in self.results)


@dataclass
class Explanation:
    """Why some mutants of a function may live."""

    file: str
    function: str
    reason: str
    changes: tuple[str, ...]
    like: tuple[re.Pattern[str], ...]
    met: set[str] = field(default_factory=set)

    def covers(self, file: str, result: Result) -> bool:
        """Tell whether this mutant is meant; remember that it was met."""
        if not (fnmatch.fnmatchcase(file, self.file) and fnmatch.fnmatchcase(result.function, self.function)):
            return False
        hits = {result.change} & set(self.changes)
        hits |= {each.pattern for each in self.like if each.fullmatch(result.change)}
        self.met |= hits
        return bool(hits)

    def stale(self) -> list[str]:
        """Give what it speaks of and no mutant is."""
        return [
            each for each in (*self.changes, *(like.pattern for like in self.like)) if each not in self.met
        ]


def explanations() -> list[Explanation]:
    """Read explained.toml. Raises ValueError for an entry without a reason, or that names nothing."""
    found = []
    for entry in tomllib.loads(EXPLAINED.read_text()).get("mutants", []):
        changes = tuple(" ".join(each.split()) for each in entry.get("changes", ()))
        like = tuple(re.compile(each, re.DOTALL) for each in entry.get("like", ()))
        if not entry.get("reason", "").strip() or not (changes or like):
            raise ValueError(f"{EXPLAINED.name}: an entry needs a reason, and changes or like: {entry}")
        found.append(Explanation(entry["file"], entry.get("function", "*"), entry["reason"], changes, like))
    return found


def explain(each: FileResults, known: Sequence[Explanation]) -> None:
    """Mark what is explained. One of a mutant that the tests notice is met and changes nothing."""
    for result in each.results:
        covered = [entry for entry in known if entry.covers(each.file, result)]
        if covered and result.status in {"survived", "untested"}:
            result.status = "explained"


def plan() -> dict[str, tuple[list[str], list[str]]]:
    """Give the test files of every source file, and those for what it does at import.

    The first entry that names a file counts.
    """
    entries = tomllib.loads(PLAN.read_text())["module"]
    root = Path()
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in sorted([*root.glob("gateway/alerts/**/*.py"), *root.glob("gateway/journal/**/*.py")]):
        name = str(path)
        for entry in entries:
            if any(fnmatch.fnmatchcase(name, each) for each in entry["files"]):
                tests = sorted({str(test) for glob in entry["tests"] for test in root.glob(glob)})
                quick = sorted({str(test) for glob in entry.get("quick", ()) for test in root.glob(glob)})
                found[name] = (tests, quick or tests)
                break
        else:
            found[name] = ([], [])
    return found


def digest(path: str | Path) -> str:
    """Give a short digest of a file."""
    file = Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""


def kept(place: Path) -> FileResults | None:
    """Read what an earlier run found out."""
    try:
        document = json.loads(place.read_text())
        results = [Result(**each) for each in document.pop("results")]
        return FileResults(**document, results=results)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(each: FileResults, place: Path) -> None:
    """Write it down for the next run."""
    place.parent.mkdir(parents=True, exist_ok=True)
    document = vars(each) | {"results": [vars(result) for result in each.results]}
    place.write_text(json.dumps(document, indent=1, ensure_ascii=False))


def table(every: Iterable[FileResults]) -> str:
    """Give a Markdown table, a line a file and a sum."""
    lines = [f"| file | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    total: Counter[str] = Counter()
    for each in every:
        counts = each.counts()
        total += counts
        if counts["made"]:
            lines.append(f"| `{each.file}` | {' | '.join(str(counts[name]) for name in COLUMNS)} |")
    lines.append(f"| all | {' | '.join(str(total[name]) for name in COLUMNS)} |")
    return "\n".join(lines)

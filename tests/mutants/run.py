"""`make mutants`: puts small faults into the alerts and the journal, and sees whether a test notices each.

Ends with 1 where one lives that explained.toml does not explain, and where an explanation speaks of none.
Results are kept in build/mutants; a fault that a test has noticed is not tried again while neither the source
nor that test's file has changed.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import mutant_results as found
from mutant_making import mutants_of

BUILD = Path("build/mutants")
SESSION = Path(__file__).parent / "mutant_session.py"


def main() -> int:
    """Try the mutants of the files that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="files or globs, such as gateway/alerts/lifecycle.py")
    parser.add_argument("--fresh", action="store_true", help="believe no earlier run")
    living = "try only what lived last time; believe all that was noticed, whatever has changed since"
    parser.add_argument("--living", action="store_true", help=living)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or 1))
    parser.add_argument("--report", action="store_true", help="try nothing; tell what earlier runs found")
    given = parser.parse_args()
    os.nice(15)
    planned = found.plan()
    asked = [name for name in planned if not given.only or any(fnmatch.fnmatch(name, o) for o in given.only)]
    if not asked:
        print(f"no file of gateway/alerts or gateway/journal is {', '.join(given.only)}", file=sys.stderr)
        return 2
    known = found.explanations()
    every = []
    for name in asked:
        each = reported(name) if given.report else tried(name, planned[name], known, given)
        found.explain(each, known)
        tell(each)
        every.append(each)
    print(found.table(every))
    (BUILD / "summary.md").write_text(found.table(every) + "\n")
    stale = [
        f"{entry.file} {entry.function}: {change}"
        for entry in known
        if any(fnmatch.fnmatchcase(name, entry.file) for name in asked)
        and all(name in asked for name in planned if fnmatch.fnmatchcase(name, entry.file))
        for change in entry.stale()
    ]
    for each in stale:
        print(f"explained, but no such mutant is made any more: {each}", file=sys.stderr)
    return 1 if stale or any(not whole(each) for each in every) else 0


def whole(each: found.FileResults) -> bool:
    """Tell whether every mutant of a file was noticed or is explained."""
    return not each.failed and all(result.status in found.NOTICED | {"explained"} for result in each.results)


def tried(
    name: str,
    tests: tuple[list[str], list[str]],
    known: list[found.Explanation],
    given: argparse.Namespace,
) -> found.FileResults:
    """Try the mutants of a file that no earlier run has decided, and that nobody has explained."""
    place = BUILD / f"{name}.json"
    source = found.digest(name)
    digests = {test: found.digest(test) for test in tests[0]}
    before = None if given.fresh else found.kept(place)
    mutants = mutants_of(Path(name), name)
    decided: dict[tuple[str, str], list[found.Result]] = {}
    if before and (given.living or (before.source == source and not before.failed)):
        for result in before.results:
            test = result.by.partition("::")[0]
            same_tests = before.tests == digests or digests.get(test) == before.tests.get(test)
            if result.status in found.NOTICED and (given.living or same_tests):
                decided.setdefault((result.function, result.change), []).append(result)
    results: list[found.Result | None] = []
    open_: list[tuple[int, dict[str, object]]] = []
    for number, mutant in enumerate(mutants):
        old = decided.get((mutant.function, mutant.change))
        told = found.Result(mutant.function, mutant.change, "explained")
        explained = not given.fresh and any(entry.covers(name, told) for entry in known)
        results.append(old.pop(0) if old else told if explained else None)
        if results[-1] is None:
            wanted = {"function": mutant.function, "first_line": mutant.first_line, "change": mutant.change}
            open_.append((number, wanted | {"text": mutant.text}))
    each = found.FileResults(name, source, digests)
    if open_:
        document = session(name, *tests, given.jobs, [mutant for _, mutant in open_])
        each.failed = document["failed"]
        for (number, _), mutant in zip(open_, document["mutants"], strict=True):
            results[number] = found.Result(
                function=mutant["function"],
                change=mutant["change"],
                status=mutant.get("status", "not run" if tests[0] else "untested"),
                by=mutant.get("by", ""),
                seconds=mutant.get("seconds", 0.0),
            )
    each.results = [result for result in results if result is not None]
    found.keep(each, place)
    return each


def reported(name: str) -> found.FileResults:
    """Give what an earlier run found out about a file; where none did, that it was not run."""
    each = found.kept(BUILD / f"{name}.json")
    if each is not None:
        return each
    made = [
        found.Result(mutant.function, mutant.change, "not run") for mutant in mutants_of(Path(name), name)
    ]
    return found.FileResults(name, found.digest(name), {}, made, "")


def session(
    name: str, tests: list[str], quick: list[str], jobs: int, mutants: list[dict[str, object]]
) -> dict[str, object]:
    """Run one process for one file."""
    job, report = BUILD / "job" / f"{name}.json", BUILD / "report" / f"{name}.json"
    for path in (job, report):
        path.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    wanted = {"file": name, "tests": tests, "quick": quick, "jobs": jobs, "report": str(report)}
    job.write_text(json.dumps(wanted | {"mutants": mutants}))
    ended = subprocess.run([sys.executable, str(SESSION), str(job)], check=False)
    job.unlink()
    if not report.exists():
        left = [{key: value for key, value in each.items() if key != "text"} for each in mutants]
        return {"failed": f"its process ended with {ended.returncode}", "mutants": left}
    return json.loads(report.read_text())  # type: ignore[no-any-return]


def tell(each: found.FileResults) -> None:
    """Print what came of a file."""
    counts = ", ".join(f"{number} {name}" for name, number in each.counts().items() if number)
    print(f"{time.strftime('%H:%M:%S')} {each.file}: {counts or 'nothing to change'}", flush=True)
    if each.failed:
        print(f"  could not be tried: {each.failed}")
    for result in each.results:
        if result.status not in found.NOTICED | {"explained"} and result.status != "not run":
            print(f"  {result.status} in {result.function or 'the module'}: {result.change}")


if __name__ == "__main__":
    sys.exit(main())

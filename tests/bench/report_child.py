"""A report: reads the history page by page, each a read of its own, and sums it up; again and again."""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

PAGE = 1000
HOUR_NS = 3_600_000_000_000
QUERY = "SELECT seq, series, since_base_ns, value FROM reading WHERE seq > ? ORDER BY seq LIMIT ?"


def once(path: Path) -> int:
    """Sum up every series by the hour; gives how many readings that were."""
    sums: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    after = count = 0
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
        while rows := db.execute(QUERY, (after, PAGE)).fetchall():
            for _, series, since_ns, value in rows:
                if isinstance(value, float):
                    sums[series, since_ns // HOUR_NS].append(value)
            after, count = rows[-1][0], count + len(rows)
    for values in sums.values():
        sorted(values)[len(values) // 2]  # a median is what makes a report compute
    return count


def main() -> None:
    """Run until ended."""
    path = Path(sys.argv[1])
    while True:
        print(once(path), flush=True)


if __name__ == "__main__":
    main()

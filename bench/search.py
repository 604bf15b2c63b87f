"""How long a search takes among as many stops as New York has: ``python -m bench.search [GTFS_ZIP]``.

Names are those of the schedule, if one is given, and beyond that made up in the manner of a large city's street corners.
Queries are beginnings of names, whole names, and names with one or two typing errors, one to four words long, and codes.
"""

import argparse
import csv
import io
import random
import statistics
import time
import zipfile
from pathlib import Path

from api.search_index import SearchIndex

STOPS = 16_161
"""Of all feeds of New York's MTA together."""
SYLLABLES = (
    "al",
    "ba",
    "cor",
    "dan",
    "el",
    "far",
    "gre",
    "hol",
    "in",
    "jam",
    "ken",
    "lor",
    "man",
    "nor",
    "oak",
    "sher",
    "york",
)
KINDS = ["AV", "ST", "BL", "RD", "PL", "PKWY", "LN", "Avenue", "Street", "Drive"]


def main() -> None:
    """Print what was seen."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.search", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("zip", type=Path, nargs="?", help="a GTFS schedule whose stops' names to use")
    parser.add_argument("--queries", type=int, default=4000)
    options = parser.parse_args()
    dice = random.Random(1)
    names = (_names_of(options.zip) if options.zip else [])[:STOPS]
    given = len(names)
    names += [_corner(dice) for _ in range(STOPS - given)]
    codes = [str(400_000 + number) for number in range(STOPS)]
    started_s = time.perf_counter()
    index = SearchIndex(codes, names, [dice.random() * 12 for _ in names])
    built_s = time.perf_counter() - started_s
    queries = [_query(dice, dice.choice(names), codes) for _ in range(options.queries)]
    took_ms = []
    found = 0
    for query in queries:
        started_s = time.perf_counter()
        found += bool(index.find(query, 20))
        took_ms.append((time.perf_counter() - started_s) * 1000)
    cuts = statistics.quantiles(took_ms, n=1000)
    print(f"{STOPS:,} stops ({given:,} of the schedule): index built in {built_s:.2f} s, {index.nbytes / 1e6:.1f} MB")
    print(f"{len(queries):,} queries, {found / len(queries):.1%} found something: p50 {cuts[499]:.2f} ms, "
          f"p99 {cuts[989]:.2f} ms, slowest {max(took_ms):.2f} ms")  # fmt: skip


def _names_of(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive, archive.open("stops.txt") as file:
        return [row["stop_name"] for row in csv.DictReader(io.TextIOWrapper(file, "utf-8-sig"))]


def _corner(dice: random.Random) -> str:
    return f"{_street(dice)}/{_street(dice)}"


def _street(dice: random.Random) -> str:
    if dice.random() < 0.4:
        return f"{dice.choice(['W', 'E', '', 'N', 'S'])} {dice.randint(1, 260)} {dice.choice(KINDS)}".strip()
    name = "".join(dice.sample(SYLLABLES, dice.randint(1, 3)))
    return f"{name.upper()} {dice.choice(KINDS)}"


def _query(dice: random.Random, name: str, codes: list[str]) -> str:
    kind = dice.random()
    if kind < 0.1:
        return dice.choice(codes)[: dice.randint(2, 6)]
    words = name.replace("/", " ").split()
    query = " ".join(words[: dice.randint(1, 4)])
    if kind < 0.5:
        return query[: dice.randint(1, len(query))]
    if kind < 0.9:
        for _ in range(dice.randint(1, 2)):
            at = dice.randrange(len(query))
            query = dice.choice([query[:at] + query[at + 1 :], query[:at] + dice.choice("aeiostr") + query[at:]]) or "a"
    return query


if __name__ == "__main__":
    main()

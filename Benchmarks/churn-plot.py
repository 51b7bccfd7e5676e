#!/usr/bin/env python3
"""Draws the samples of `millrace-bench run --scenario churn --csv FILE` as one SVG picture.

    churn-plot.py FILE [OUTPUT]      OUTPUT is docs/plots/churn.svg unless it is named

Space in the logs, the least that bare LZ4 takes for the records that are alive, and the pool of prepared files, over time.
"""

import csv
import math
import os
import re
import sys

WIDTH, HEIGHT = 760, 330
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 52, 62
INK, GRID = "#333333", "#dddddd"
# Column, colour, words. The first is drawn last, on top of the others.
LINES = [
    ("logs_allocated", "#1f5fa8", "space in the logs"),
    ("minimum", "#e0902c", "LZ4 of the live records"),
    ("minimum_hc", "#d9c077", "LZ4 HC of them"),
    ("pool_allocated", "#7a7a7a", "pool of prepared files"),
]


def decimal(value):
    """At most two digits behind the point, and none that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def step(span, count):
    """A round distance of marks, so that there are at most `count` of them."""
    least = span / count
    power = 10 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def label(x, y, words, anchor="start", more=""):
    return f'<text x="{decimal(x)}" y="{decimal(y)}" text-anchor="{anchor}"{more}>{words}</text>\n'


def line(x1, y1, x2, y2, colour, thickness=1, more=""):
    return (
        f'<line x1="{decimal(x1)}" y1="{decimal(y1)}" x2="{decimal(x2)}" y2="{decimal(y2)}" '
        f'stroke="{colour}" stroke-width="{decimal(thickness)}"{more}/>\n'
    )


def read(path):
    """The comment of the first line, and the samples as dictionaries of numbers."""
    with open(path, encoding="utf-8", newline="") as file:
        comment = file.readline().lstrip("# ").strip()
        rows = [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]
    if not rows:
        raise SystemExit(f"churn-plot.py: {path} holds no samples")
    return comment, rows


def named(comment, name, otherwise):
    found = re.search(rf"\b{name}=([0-9.]+)", comment)
    return float(found[1]) if found else otherwise


def drawing(comment, rows):
    last = max(row["seconds"] for row in rows)
    unit, scale = ("minutes", 60) if last >= 300 else ("seconds", 1)
    greatest = max(row[column] for row in rows for column, _, _ in LINES) / 1e6
    high = step(max(greatest, 1e-3), 6)
    ceiling = math.ceil(greatest / high) * high
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def x(seconds):
        return LEFT + seconds / last * (right - LEFT)

    def y(megabytes):
        return base - megabytes / ceiling * (base - TOP)

    rate = named(comment, "rate", 0) / 1e6
    period = named(comment, "period", 0) / 1000
    settled = [row["ratio"] for row in rows if row["seconds"] >= 2 * period]
    title = f"{decimal(rate)} MB of records a second, each gone after {decimal(period)} s"
    if settled:
        middle = sorted(settled)[len(settled) // 2]
        title += f": {decimal(middle)} times bare LZ4 of what is alive (median)"
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="{INK}">\n<rect width="100%" height="100%" fill="white"/>\n'
    )
    text += label(LEFT, 20, title, more=' font-weight="bold"') + label(LEFT, TOP - 10, "MB on the disk")
    for number in range(round(ceiling / high) + 1):
        text += line(LEFT, y(number * high), right, y(number * high), GRID)
        text += label(LEFT - 6, y(number * high) + 4, decimal(number * high), "end")
    wide = step(last / scale, 12)
    for number in range(int(last / scale / wide) + 1):
        text += label(x(number * wide * scale), base + 16, decimal(number * wide), "middle")
    text += label(right, base + 32, unit, "end")
    if 0 < period < last:
        text += line(x(period), TOP, x(period), base, INK, 1, ' stroke-dasharray="3 3"')
        text += label(x(period) + 4, TOP + 10, "the first records expire")
    # No more points than the picture shows: of a stretch as wide as half a point the greatest and the least.
    for column, colour, _ in reversed(LINES):
        places = {}
        for row in rows:
            places.setdefault(round(x(row["seconds"]) * 2), []).append(row[column] / 1e6)
        points = []
        for place, values in sorted(places.items()):
            points += [(place / 2, value) for value in dict.fromkeys([max(values), min(values)])]
        path = "L".join(f"{decimal(place)} {decimal(y(value))}" for place, value in points)
        text += f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"/>\n'
    start = LEFT
    for _, colour, words in LINES:
        text += line(start, HEIGHT - 14, start + 24, HEIGHT - 14, colour, 3) + label(start + 30, HEIGHT - 10, words)
        start += 48 + 6.4 * len(words)
    return text + "</svg>\n"


def main(path, output=None):
    output = output or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "plots", "churn.svg")
    text = drawing(*read(path))
    with open(output + ".partial", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(output + ".partial", output)
    print(f"written to {os.path.normpath(output)}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])

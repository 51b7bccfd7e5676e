"""Reads what llvm-cov exported and says which regions of the library no test entered: a table, and what is below its bound.

    coverage.py EXPORTED.json ROOT [--missed]

Bounds: 95 % of the regions of the library's modules, all regions of recovery and the codecs. What cannot be entered by a test
that goes on living is left out, and only that: see EXEMPT and `Source.ends_process`. Status 1 when a bound is not kept.
"""

import collections
import json
import os
import re
import sys

MODULES = ["MillraceIO", "MillraceLog", "MillraceModel", "Millrace"]
LEAST_PERCENT = 95.0

# Recovery, and everything that turns bytes of a file into values or back: every region has a test.
WHOLE = [
    "MillraceLog/BlockHeader.swift", "MillraceLog/BlockWalk.swift", "MillraceLog/ChunkedPayload.swift",
    "MillraceLog/Directory.swift", "MillraceLog/DurableNote.swift", "MillraceLog/FileNames.swift",
    "MillraceLog/Format.swift", "MillraceLog/GenerationSource.swift", "MillraceLog/OpenSegment.swift",
    "MillraceLog/PageChecksum.swift", "MillraceLog/Recovery.swift", "MillraceLog/SegmentFooter.swift",
    "MillraceLog/SegmentHead.swift", "MillraceLog/SegmentHeader.swift", "MillraceLog/SegmentName.swift",
    "MillraceLog/SparseIndex.swift",
    "MillraceLog/StoreFile.swift", "MillraceLog/StoreOpening.swift", "MillraceIO/Checksum.swift",
    "MillraceIO/LZ4.swift", "MillraceIO/LZ4Encoder.swift", "Millrace/CatalogueRecord.swift",
]

# Regions left out one by one: file, a piece of the region's first line, and why no test can enter it.
EXEMPT = [
    (
        "MillraceLog/ChunkedPayload.swift", "guard at <= memory.byteCount else",
        "the caller's room is three quarters of a payload above 1 MiB, the table four bytes for each 256 KiB of it",
    ),
    (
        "MillraceLog/Recovery.swift", "walk.blockNumber == 0 ? 0 : walk.lastChecksum)",
        "the 0: a segment starts with a block, and a generation's first segment is known durable by its own note",
    ),
]


class Source:
    """A file's text, to say what stands in a region."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.text = "\n".join(self.lines)
        self.checks = [self.call_extent(match) for match in re.finditer(r"\b(precondition|assert|preconditionFailure|fatalError)\(", self.text)]

    def call_extent(self, match):
        depth = 0
        for at in range(match.end() - 1, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[at], 0)
            if depth == 0:
                return match.start(), at
        return match.start(), len(self.text)

    def offset(self, line, column):
        # Columns count bytes; the sources are ASCII but for strings in tests.
        return self.starts[line - 1] + column - 1

    def ends_process(self, region):
        """The message of a check that failed, a block that only ends the process, or a bug that is not built in."""
        start, end = self.offset(*region[:2]), self.offset(*region[2:4])
        if any(first < start and end <= last for first, last in self.checks):
            return True
        text = self.text[start:end].strip().lstrip("{").strip()
        if re.match(r"(preconditionFailure|fatalError)\(", text):
            return True
        # A known bug that the trait SeededBugs builds in, and nothing else does.
        return "seeded(." in self.lines[region[0] - 1]

    def line(self, region):
        return self.lines[region[0] - 1].strip()


def regions_of(exported):
    """Of each file its regions with how often they were entered, over all specialisations."""
    found = collections.defaultdict(dict)
    for function in exported["data"][0]["functions"]:
        for region in function["regions"]:
            # Kind 0 is code; others are gaps, skips and expansions.
            if region[7] != 0:
                continue
            key = tuple(region[:4])
            entered = found[function["filenames"][region[5]]]
            entered[key] = max(entered.get(key, 0), region[4])
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        exported = json.load(file)
    root, shows_all = os.path.join(os.path.abspath(sys.argv[2]), "Sources"), "--missed" in sys.argv
    modules = collections.defaultdict(lambda: [0, 0])
    whole_missed, used, exempted = [], set(), 0
    print("%-44s %8s %8s %8s" % ("file", "regions", "missed", "entered"))
    found = {os.path.relpath(path, root): (path, regions) for path, regions in regions_of(exported).items()}
    for name in sorted(found):
        module = name.split(os.sep)[0]
        if module not in MODULES:
            continue
        path, regions = found[name]
        source, missed, count = Source(path), [], 0
        for region in sorted(regions):
            if regions[region] == 0:
                exempt = [entry for entry in EXEMPT if entry[0] == name and entry[1] in source.line(region)]
                used.update(entry[:2] for entry in exempt)
                if exempt or source.ends_process(region):
                    exempted += 1
                    continue
                missed.append(region)
            count += 1
        modules[module][0] += count
        modules[module][1] += len(missed)
        mark = "  every one" if name in WHOLE else ""
        print("%-44s %8d %8d %7.1f%%%s" % (name, count, len(missed), percent(count, len(missed)), mark))
        if name in WHOLE or shows_all:
            for region in missed:
                line = "%s:%d:%d: %s" % (name, region[0], region[1], source.line(region))
                if name in WHOLE:
                    whole_missed.append(line)
                if shows_all:
                    print("    " + line)
    total, total_missed = (sum(each[place] for each in modules.values()) for place in (0, 1))
    print()
    for module in MODULES:
        print("%-44s %8d %8d %7.1f%%" % (module, *modules[module], percent(*modules[module])))
    print("%-44s %8d %8d %7.1f%%" % ("all", total, total_missed, percent(total, total_missed)))
    print("%d regions left out: they end the process, are bugs of SeededBugs, or stand in the lane's list of %d" % (exempted, len(EXEMPT)))
    problems = ["no test enters " + line for line in whole_missed]
    problems += ["%s is not in the report" % name for name in WHOLE if name not in found]
    problems += ["%s: the exemption '%s' is of no use any more" % entry for entry in sorted({e[:2] for e in EXEMPT} - used)]
    if percent(total, total_missed) < LEAST_PERCENT:
        problems.append("%.1f %% of the regions are entered, less than %.0f %%" % (percent(total, total_missed), LEAST_PERCENT))
    for problem in problems:
        print("FAILED: " + problem)
    return 1 if problems else 0


def percent(count, missed):
    return 100.0 * (count - missed) / count if count else 100.0


sys.exit(main())

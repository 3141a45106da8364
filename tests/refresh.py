"""Write the generated files anew: `python -m tests.refresh`; with `--check` only say which are stale.

The README's reference blocks come from the registry, the starter workbooks from `config.starters`.
"""

import datetime as dt
import io
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import xltrain.choices  # noqa: F401
from xltrain import language
from xltrain.config.reference import reference
from xltrain.config.starters import STARTERS
from xltrain.config.template import write_rows

ROOT = Path(__file__).resolve().parents[1]
READMES = {"README.md": "en", "README.zh.md": "zh"}
CREATED = dt.datetime(2026, 1, 1)
BLOCK = re.compile(r"(<!-- reference:(\w+) -->\n).*?(<!-- /reference -->)", re.S)


def generated() -> Iterator[tuple[Path, bytes]]:
    """Every generated file and what it should hold."""
    for name, tongue in READMES.items():
        path = ROOT / name
        with language.using(tongue):
            page = BLOCK.sub(lambda found: f"{found[1]}{reference(found[2])}\n{found[3]}", path.read_text("utf-8"))
        yield path, page.encode("utf-8")
    with tempfile.TemporaryDirectory() as folder, language.using("en"):
        for name, rows in STARTERS.items():
            written = Path(folder) / f"{name}.xlsx"
            write_rows(written, rows(), created=CREATED)
            yield ROOT / "templates" / written.name, written.read_bytes()


def stale() -> list[Path]:
    """The generated files that do not hold what they should."""
    return [path for path, content in generated() if not path.exists() or not same(path.read_bytes(), content)]


def same(one: bytes, other: bytes) -> bool:
    """Whether two files say the same: workbooks part by part, since systems compress differently."""
    if one[:2] != b"PK" or other[:2] != b"PK":
        return one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")
    parts = []
    for content in (one, other):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            parts.append({name: book.read(name) for name in book.namelist()})
    return parts[0] == parts[1]


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        found = stale()
        for path in found:
            print(f"{path.relative_to(ROOT)} is stale; run: make fresh")
        return 1 if found else 0
    for path, content in list(generated()):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fonts installed on the machine, for pictures that are asked to use them: by family, or by a letter they have."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from xltrain.excel.shot.opentype import faces

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_UPRIGHT = ("regular", "book", "roman", "normal", "medium", "")
_MOST = 3_000  # font files that are looked at
_system: ContextVar[bool] = ContextVar("system_fonts", default=False)


@dataclass(frozen=True)
class Face:
    """A regular face of an installed family: its widths in em by character."""

    family: str
    widths: dict[int, float]


@contextmanager
def using(kind: str) -> Iterator[None]:
    """Within the block letters are measured and named by `package` or `system` fonts."""
    token = _system.set(kind == "system")
    try:
        yield
    finally:
        _system.reset(token)


def wanted() -> bool:
    """Whether fonts of the system are asked for."""
    return _system.get()


def named(name: str) -> Face | None:
    """The installed face of a family; None where it is not installed."""
    for path, number, family in _listed():
        if family.casefold() == name.strip().casefold():
            return _face(path, number, family)
    return None


@lru_cache(maxsize=4096)
def holding(letter: str) -> Face | None:
    """Some installed face that has a letter."""
    for path, number, family in _listed():
        if "emoji" in family.casefold() or "cjk" in family.casefold():
            continue  # coloured bitmaps, which are not drawn; and what the package has anyway
        face = _face(path, number, family)
        if face is not None and ord(letter) in face.widths:
            return face
    return None


def folders() -> list[Path]:
    """Where the system keeps its fonts."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        here = [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
        return here + ([Path(local) / "Microsoft" / "Windows" / "Fonts"] if local else [])
    if sys.platform == "darwin":
        return [home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    return [
        home / ".fonts",
        home / ".local/share/fonts",
        Path("/usr/local/share/fonts"),
        Path("/usr/share/fonts"),
    ]


@lru_cache(maxsize=1)
def _listed() -> tuple[tuple[str, int, str], ...]:
    """The upright regular faces: file, number within it, family."""
    found = []
    for folder in folders():
        for path in sorted(folder.rglob("*"))[:_MOST] if folder.is_dir() else ():
            if path.suffix.lower() in _SUFFIXES:
                for number, face in enumerate(faces(str(path))):
                    family = face.name(16, 1)
                    if family and face.name(17, 2).casefold() in _UPRIGHT:
                        found.append((str(path), number, family))
    return tuple(found)


@lru_cache(maxsize=64)
def _face(path: str, number: int, family: str) -> Face | None:
    try:
        return Face(family, faces(path)[number].widths())
    except (ValueError, IndexError, OSError):  # a damaged font file is no font
        return None

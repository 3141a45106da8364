"""Temporary files say in their names whose they are, so that those of a process that was killed can be tidied up.

`.results~3f9a1c07-4711-68f0a2b4-8d2e51aa.xlsx` was begun by process 4711 of the computer 3f9a1c07 at the second
68f0a2b4 since 1970. It is removed by the next call that writes into its folder, once that process is known to be gone:
no such process runs, or the one that has its number today was started later. What another computer began, which may
share the folder, is left alone for a month.
"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
import uuid
from pathlib import Path

_OWN = re.compile(r"(?P<stem>.*)~(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<began>[0-9a-f]{1,16})-(?P<token>[0-9a-f]{8})")
STEM = 24  # characters of a name that its temporary one keeps: file systems allow 255 bytes
SLACK = 86_400.0  # seconds by which the clock may have been set since
MONTH = 30 * 86_400.0  # seconds after which nobody on another computer is still at it
AGAIN = 10.0  # seconds before the same folder is looked through again
_looked: dict[str, float] = {}
_own: set[str] = set()  # what tells the names apart that this process has given
tidied: list[Path] = []  # what was removed and has not been told


def temporary_name(stem: str, suffix: str = "") -> str:
    """A new hidden name that says whose it is; a name that does so already keeps its stem."""
    known = _OWN.match(stem)
    stem = (known["stem"] if known else stem).lstrip(".")[:STEM].rstrip(". ")
    token = secrets.token_hex(4)
    _own.add(token)
    return f".{stem}~{_host()}-{os.getpid()}-{int(time.time()):x}-{token}{suffix}"


def tidy(folder: Path) -> None:
    """Remove the temporary files and folders in `folder` whose process is gone, and remember that in `tidied`."""
    now = time.monotonic()
    if now - _looked.get(str(folder), -AGAIN) < AGAIN:
        return
    _looked[str(folder)] = now
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(".") and "~" in entry.name]
        tidied.extend(each for each in found if is_left_over(each) and _removed(each))


def is_left_over(path: Path) -> bool:
    """Whether a file or folder is a temporary one of ours that nobody can be writing any more."""
    said = _OWN.match(path.name)
    if said is None:
        return False
    if said["host"] != _host():
        try:
            return time.time() - path.lstat().st_mtime > MONTH
        except OSError:
            return False
    pid = int(said["pid"])
    return said["token"] not in _own if pid == os.getpid() else not _lives(pid, int(said["began"], 16))


def _lives(pid: int, began: float) -> bool:
    """Whether the process that had this number at that time still runs; True where that cannot be known."""
    import psutil

    try:
        process = psutil.Process(pid)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= began + SLACK)
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True


def _removed(path: Path) -> bool:
    """Remove it; False where that cannot be, as for what is open on Windows or another user's."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


@functools.cache
def _host() -> str:
    """This computer, or this container on it: process numbers mean something within it only."""
    told = [platform.node()]
    try:
        told.append(Path("/etc/machine-id").read_text().strip())
    except OSError:  # not Linux: the address of its network card, since names such as MacBook are common
        told.append(str(uuid.getnode()))
    with contextlib.suppress(OSError):
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:8]

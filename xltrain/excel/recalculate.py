"""Has LibreOffice work out the formulas of a book that was saved without their values."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xltrain.errors import WorkbookError
from xltrain.language import text
from xltrain.place import Place, Problem

SECONDS = 120.0  # LibreOffice is given up after this long

_PLACES = (
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "~/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "/usr/lib/libreoffice/program/soffice",
    "/usr/lib64/libreoffice/program/soffice",
    "/opt/libreoffice/program/soffice",
)
# Whatever LibreOffice cannot make sense of it would read as text, unless it is told what the file is.
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_ZIPPED = {".xlsb": "Calc MS Excel 2007 Binary", ".ods": "calc8"}
_WINDOWS = ("ProgramFiles", "ProgramFiles(x86)", "ProgramW6432")

# No macro of a book runs, and no link reaches outside it: what it links to keeps the value that was stored.
# The proxy that nobody answers at stops functions such as WEBSERVICE. Every formula is worked out anew (0: always).
OFFLINE = (
    ("org.openoffice.Office.Calc/Content/Update", "Link", "2"),
    ("org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("org.openoffice.Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("org.openoffice.Inet/Settings", "ooInetProxyType", "2"),
    ("org.openoffice.Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("org.openoffice.Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("org.openoffice.Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort", "9"),
    ("org.openoffice.Inet/Settings", "ooInetNoProxy", ""),
)
_SETTINGS = (
    ("org.openoffice.Office.Calc/Formula/Load", "OOXMLRecalcMode", "0"),
    ("org.openoffice.Office.Calc/Formula/Load", "ODFRecalcMode", "0"),
    ("org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    *OFFLINE,
)


def libreoffice() -> str:
    """The path of LibreOffice's program; empty where it is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found:
        return found
    places = [Path(each).expanduser() for each in _PLACES]
    folders = [Path(os.environ[name]) / "LibreOffice" / "program" for name in _WINDOWS if os.environ.get(name)]
    places += [folder / name for folder in folders for name in ("soffice.com", "soffice.exe")]
    return next((str(each) for each in places if each.is_file()), "")


def recalculated(path: Path, folder: Path) -> Path:
    """A copy of the book in `folder`, as .xlsx with the same stem, every formula worked out anew.

    `folder` holds no file of that name yet. Formulas that LibreOffice does not know become error cells, and TODAY,
    NOW and RAND give new values. Raises WorkbookError: LibreOffice is missing, took too long or made nothing of it.
    """
    place, program = Place(str(path)), libreoffice()
    if not program:
        raise WorkbookError(Problem(place, text("recalculate_missing"), text("recalculate_missing_hint")))
    kind = format_of(path)
    if not kind:
        raise WorkbookError(_failed(place))
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as own:
        made = Path(own, "out", f"{path.stem}.xlsx")
        if not run(_call(program, path, kind, Path(own)), SECONDS):
            slow = text("recalculate_slow", seconds=SECONDS)
            raise WorkbookError(Problem(place, slow, text("recalculate_failed_hint")))
        if not made.is_file() or not made.stat().st_size:
            raise WorkbookError(_failed(place))
        return made.replace(folder / made.name)


def _failed(place: Place) -> Problem:
    return Problem(place, text("recalculate_failed"), text("recalculate_failed_hint"))


def format_of(path: Path) -> str:
    """LibreOffice's name of the book's format, by its first bytes; empty for what holds no formulas, such as text."""
    with suppress(OSError), path.open("rb") as file:
        start = file.read(4)
        if start == _ZIP:
            return _ZIPPED.get(path.suffix.lower(), "Calc MS Excel 2007 XML")
        if start == _OLE:
            return "MS Excel 97"  # and 95
    return ""


def _call(program: str, path: Path, kind: str, own: Path) -> list[str]:
    """The command line, with a profile of its own, so that neither an open LibreOffice nor its settings matter."""
    return [
        *start(program, own, _SETTINGS),
        f"--infilter={kind}",
        *("--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(own.resolve() / "out")),
        str(path.resolve()),
    ]


def start(program: str, own: Path, settings: Sequence[tuple[str, str, str]]) -> list[str]:
    """How a command line begins that has a profile in the folder `own`, with these settings (node, name, value)."""
    profile = own.resolve() / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_registry(settings), encoding="utf-8")
    options = "--headless", "--norestore", "--nolockcheck", "--nologo", "--nodefault"
    return [program, f"-env:UserInstallation={profile.as_uri()}", *options]


def _registry(settings: Sequence[tuple[str, str, str]]) -> str:
    items = "".join(
        f'<item oor:path="/{node}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'
        for node, name, value in settings
    )
    spaces = 'xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<oor:items {spaces}>\n{items}</oor:items>\n'


def run(call: list[str], seconds: float) -> bool:
    """Whether the program ended by itself within the time; it and all it started are gone afterwards."""
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(call, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and what it started: LibreOffice's program is a starter, the work is done by its child."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        with suppress(OSError):  # nobody is left
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()

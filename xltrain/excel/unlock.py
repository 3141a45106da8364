"""Says whether a book is locked by a password, and opens it.

Office locks a book in two ways: an .xlsx is put whole into an OLE container, as its stream `EncryptedPackage`; an .xls
keeps its form, and a record FILEPASS at the start of its workbook stream says that the rest is scrambled.
The OLE container is looked at by the few lines here, because a library reads all of a damaged one first, at any cost.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from xltrain.errors import WorkbookError
from xltrain.language import text
from xltrain.place import Place, Problem

DEFAULT_PASSWORD = "VelvetSweatshop"  # what Excel locks a write-protected book with, and tries by itself

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST = 0xFFFFFFFA  # numbers from here on are no sector
_NONE = 0xFFFFFFFF  # no entry of the folder
_ENTRY = 128  # bytes of one entry of the folder
_FOLDER_BYTES = 4 << 20  # more entries than any Office program writes
_START_BYTES = 4096  # FILEPASS is among the first records
_STREAM = 2
_BOF, _EOF, _FILEPASS, _BOUNDSHEET = 0x09, 0x0A, 0x2F, 0x85
_MOST_TURNS = 1_000_000  # Excel hashes a password 100,000 times; ten million would take a minute


def is_locked(path: Path) -> bool:
    """Whether the file is an Office file locked by a password; False for whatever is damaged, missing or no OLE file.

    Reads a few sectors only; a chain of sectors that bites its tail ends there.
    """
    with suppress(OSError, struct.error), path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            return _Container(file, path.stat().st_size).is_locked()
    return False


def unlocked(path: Path, password: str, folder: Path) -> Path:
    """Decrypt a locked book into `folder`, under the same file name, and give the new path.

    `folder` is not the book's own, and holds no file of that name yet. Excel's default password is tried first.
    Raises WorkbookError: no password, a wrong one, or a way of locking that is not known.
    """
    place = Place(str(path))
    if not is_locked(path):
        raise WorkbookError(_failed(place, "no EncryptedPackage, no FILEPASS"))
    with path.open("rb") as source:
        plain = _decrypted(source, place, password)
    target = folder / path.name
    with target.open("xb") as out:
        out.write(plain)
    return target


def _decrypted(source: BinaryIO, place: Place, password: str) -> memoryview:
    try:
        import msoffcrypto

        book = msoffcrypto.OfficeFile(source)
        opened = _opened(book, password)
        plain = io.BytesIO()
        if opened:
            book.decrypt(plain)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # errors of any kind, and a panic of its ciphers is no Exception
        raise WorkbookError(_failed(place, str(error) or type(error).__name__)) from error
    if opened:
        return plain.getbuffer()
    word = "book_password_wrong" if password else "book_password"
    hint = "book_password_wrong_hint" if password else "book_password_hint"
    raise WorkbookError(Problem(place, text(word), text(hint)))


def _opened(book: Any, password: str) -> bool:
    """Whether Excel's default password or the given one opens the book."""
    from msoffcrypto.exceptions import InvalidKeyError

    if getattr(book, "info", {}).get("spinValue", 0) > _MOST_TURNS:
        raise ValueError("spinCount")
    extra = {"verify_password": True} if book.format == "ooxml" else {}  # an .xls is always verified
    for each in filter(None, (DEFAULT_PASSWORD, password)):
        with suppress(InvalidKeyError):
            book.load_key(password=each, **extra)
            return True
    return False


def _failed(place: Place, reason: str) -> Problem:
    first = (reason.strip() or "-").splitlines()[0]
    return Problem(place, text("book_reader_failed", reason=first[:200]), text("book_broken_hint"))


class _Container:
    """As much of an OLE container as it takes to find a stream of its top folder and read its start."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """`size` of the file in bytes; raises struct.error where the header is cut short or says the impossible."""
        self._file = file
        header = self._at(0, 512)
        shift, self._small_shift = struct.unpack_from("<HH", header, 30)
        tables, first = struct.unpack_from("<II", header, 44)
        self._cutoff, small_table, _, more, _ = struct.unpack_from("<5I", header, 56)
        if not (7 <= shift <= 16 and 4 <= self._small_shift < shift):
            raise struct.error("sector size")
        self._sector = 1 << shift
        self._sectors = size // self._sector
        if tables > self._sectors:
            raise struct.error("more tables than sectors")
        self._tables = [each for each in struct.unpack_from("<109I", header, 76) if each < _LAST]
        self._more_tables(more, tables)
        self._folder = self._stream(first, _FOLDER_BYTES)
        self._small_table = small_table

    def is_locked(self) -> bool:
        found = self._top_streams()
        if "ENCRYPTEDPACKAGE" in found:
            return True
        return any(_has_filepass(self._start(*found[name])) for name in ("WORKBOOK", "BOOK") if name in found)

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)

    def _read_sector(self, number: int) -> bytes:
        return self._at((number + 1) * self._sector, self._sector)

    def _more_tables(self, number: int, most: int) -> None:
        """Sectors of the sector table past the 109 that the header names."""
        count = self._sector // 4
        while number < _LAST and len(self._tables) < most:
            numbers = struct.unpack(f"<{count}I", self._read_sector(number))
            before = len(self._tables)
            self._tables += [each for each in numbers[:-1] if each < _LAST]
            number = numbers[-1] if len(self._tables) > before else _LAST

    def _next(self, number: int) -> int:
        table, place = divmod(number, self._sector // 4)
        if table >= len(self._tables):
            return _LAST
        offset = (self._tables[table] + 1) * self._sector + 4 * place
        return int(struct.unpack("<I", self._at(offset, 4))[0])

    def _chain(self, number: int) -> Iterator[int]:
        seen: set[int] = set()
        while number < self._sectors and number not in seen:
            seen.add(number)
            yield number
            number = self._next(number)

    def _stream(self, first: int, most: int) -> bytes:
        """The first `most` bytes of a stream, rounded up to whole sectors."""
        data = bytearray()
        for number in self._chain(first):
            data += self._read_sector(number)
            if len(data) >= most:
                break
        return bytes(data)

    def _start(self, first: int, size: int) -> bytes:
        """The start of a stream; one shorter than the cutoff lies in pieces inside the root's own stream."""
        if size >= self._cutoff:
            return self._stream(first, min(size, _START_BYTES))
        piece = 1 << self._small_shift
        root = struct.unpack_from("<I", self._folder, 116)[0]
        table = self._stream(self._small_table, _FOLDER_BYTES)
        pieces, data, number = self._stream(root, _FOLDER_BYTES), bytearray(), first
        while len(data) < size and number < min(_LAST, len(table) // 4):
            data += pieces[number * piece : (number + 1) * piece]
            number = struct.unpack_from("<I", table, 4 * number)[0]
            if not data:
                break
        return bytes(data[:size])

    def _top_streams(self) -> dict[str, tuple[int, int]]:
        """Name in capitals -> first sector and size of the streams in the top folder, whatever order they are kept in.

        Embedded books lie in folders below, and may be locked where the book is not.
        """
        found: dict[str, tuple[int, int]] = {}
        seen: set[int] = set()
        waiting = [struct.unpack_from("<I", self._folder, 76)[0]]
        while waiting:
            number = waiting.pop()
            offset = number * _ENTRY
            if number == _NONE or number in seen or offset + _ENTRY > len(self._folder):
                continue
            seen.add(number)
            length, kind, left, right = struct.unpack_from("<HBxII", self._folder, offset + 64)
            waiting += [left, right]
            if kind == _STREAM:
                name = self._folder[offset : offset + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
                found[name.upper()] = struct.unpack_from("<II", self._folder, offset + 116)
        return found


def _has_filepass(start: bytes) -> bool:
    """Whether a workbook stream says that it is scrambled, before it names its first sheet."""
    if start[:1] != bytes([_BOF]):
        return False
    offset = 0
    while offset + 4 <= len(start):
        record, length = struct.unpack_from("<HH", start, offset)
        if record == _FILEPASS:
            return True
        if record in (_EOF, _BOUNDSHEET):
            return False
        offset += 4 + length
    return False

"""Books locked by a password: known as such at once, opened with it, and refused in one line without."""

import hashlib
import io
import struct
import time
from pathlib import Path

import pytest

from tests.books import write_rows
from xltrain.errors import WorkbookError
from xltrain.excel.unlock import DEFAULT_PASSWORD, is_locked, unlocked

pytest.importorskip("msoffcrypto")

SALT = bytes(range(16))
SECTOR = 512
END, TABLE, FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
BOF, FILEPASS, BOUNDSHEET = 0x809, 0x2F, 0x85


def locked_xlsx(path: Path, password: str) -> Path:
    from msoffcrypto.format.ooxml import OOXMLFile

    plain = write_rows(path.with_name("plain.xlsx"), [["a", "b"], [1, 2.5]])
    with plain.open("rb") as source, path.open("wb") as target:
        OOXMLFile(source).encrypt(password, target)
    return path


def record(number: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", number, len(data)) + data


def scrambled(data: bytes, password: str) -> bytes:
    from msoffcrypto.method.rc4 import DocumentRC4

    return DocumentRC4.decrypt(password, SALT, io.BytesIO(data), blocksize=1024).read()


def filepass(password: str) -> bytes:
    verifier = bytes(16)
    proof = scrambled(verifier + hashlib.md5(verifier).digest(), password)
    return record(FILEPASS, struct.pack("<HHH", 1, 1, 1) + SALT + proof)


def workbook(password: str = "") -> bytes:
    """A workbook stream with one sheet, `Data`, that holds 7.25 in B3; scrambled by RC4 where a password is given."""
    kinds = [struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6) for kind in (5, 0x10)]
    start = record(BOF, kinds[0]) + (filepass(password) if password else b"") + record(0x42, struct.pack("<H", 1200))
    name = b"\x04\x00Data"
    sheet_at = len(start) + 4 + 6 + len(name) + 4
    start += record(BOUNDSHEET, struct.pack("<IH", sheet_at, 0) + name) + record(0x0A)
    dimensions = record(0x200, struct.pack("<IIHHH", 2, 3, 1, 2, 0))
    number = record(0x203, struct.pack("<HHHd", 2, 1, 0, 7.25))
    plain = (start + record(BOF, kinds[1]) + dimensions + number + record(0x0A)).ljust(4096, b"\0")
    return scrambled_records(plain, password) if password else plain


def scrambled_records(plain: bytes, password: str) -> bytes:
    """All but the heads of the records, BOF, FILEPASS and the first four bytes of BOUNDSHEET."""
    mixed, offset = bytearray(scrambled(plain, password)), 0
    while offset < len(plain):
        kind, length = struct.unpack_from("<HH", plain, offset)
        kept = 4 + {BOF: length, FILEPASS: length, BOUNDSHEET: 4}.get(kind, 0)
        mixed[offset : offset + kept] = plain[offset : offset + kept]
        offset += 4 + length
    return bytes(mixed)


def entry(name: str, kind: int, first: int, size: int, right: int = FREE, child: int = FREE) -> bytes:
    letters = (name + "\0").encode("utf-16-le")
    tree = struct.pack("<HBBIII", len(letters), kind, 1, FREE, right, child)
    return letters.ljust(64, b"\0") + tree + bytes(36) + struct.pack("<IQ", first, size)


def container(path: Path, streams: dict[str, bytes], links: dict[int, int] | None = None) -> Path:
    """An OLE file: sector 0 its table, sector 1 its folder, then the streams; `links` overrules the table."""
    table, body, entries = [TABLE, END], b"", b""
    for number, (name, data) in enumerate(streams.items(), 1):
        right = number + 1 if number < len(streams) else FREE
        entries += entry(name, 2, len(table), len(data), right)
        count = -(-len(data) // SECTOR)
        table += [*range(len(table) + 1, len(table) + count), END]
        body += data.ljust(count * SECTOR, b"\0")
    for sector, following in (links or {}).items():
        table[sector] = following
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, END, 0, END, 0, 0) + struct.pack("<I", FREE) * 108
    folder = (entry("Root Entry", 5, END, 0, child=1) + entries).ljust(SECTOR, b"\0")
    path.write_bytes(head + struct.pack(f"<{len(table)}I", *table).ljust(SECTOR, b"\xff") + folder + body)
    return path


def refusal(path: Path, password: str, folder: Path) -> str:
    with pytest.raises(WorkbookError) as told:
        unlocked(path, password, folder)
    assert len(told.value.problems) == 1
    assert not (folder / path.name).exists()
    line = str(told.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "open"
    made.mkdir()
    return made


@pytest.mark.parametrize("password", ["secret", "密码 Ü"])
def test_an_xlsx_opens_with_its_password(tmp_path: Path, folder: Path, password: str) -> None:
    book = locked_xlsx(tmp_path / "locked.xlsx", password)
    assert is_locked(book)
    opened = unlocked(book, password, folder)
    assert opened == folder / "locked.xlsx"
    assert opened.read_bytes() == (tmp_path / "plain.xlsx").read_bytes()
    assert not is_locked(opened)


def test_without_a_password_or_with_a_wrong_one_there_is_one_line(tmp_path: Path, folder: Path) -> None:
    book = locked_xlsx(tmp_path / "locked.xlsx", "secret")
    assert "protected by a password; take the password off in Excel, or merge the book with" in refusal(
        book, "", folder
    )
    assert "the password does not open this workbook; check upper" in refusal(book, "Secret", folder)


def test_an_xls_opens_with_its_password(tmp_path: Path, folder: Path) -> None:
    from python_calamine import load_workbook

    book = container(tmp_path / "old.xls", {"Workbook": workbook("secret")})
    assert is_locked(book)
    assert "protected by a password" in refusal(book, "", folder)
    assert "does not open" in refusal(book, "other", folder)
    opened = unlocked(book, "secret", folder)
    assert not is_locked(opened)
    assert load_workbook(str(opened)).get_sheet_by_name("Data").to_python() == [[7.25]]


@pytest.mark.parametrize("password", ["", "something else"])
def test_a_write_protected_book_needs_no_password(tmp_path: Path, folder: Path, password: str) -> None:
    book = container(tmp_path / "old.xls", {"Workbook": workbook(DEFAULT_PASSWORD)})
    assert is_locked(book)
    assert not is_locked(unlocked(book, password, folder))


def test_open_files_and_others_are_not_locked(tmp_path: Path) -> None:
    assert not is_locked(container(tmp_path / "old.xls", {"Summary": b"x" * 5000, "Workbook": workbook()}))
    assert not is_locked(write_rows(tmp_path / "new.xlsx", [["a"], [1]]))
    for name, data in {"empty.xls": b"", "text.csv": b"a,b\n", "cut.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}.items():
        (tmp_path / name).write_bytes(data)
        assert not is_locked(tmp_path / name)
    assert not is_locked(tmp_path / "missing.xls")
    assert not is_locked(tmp_path)


def test_only_streams_of_the_top_folder_count(tmp_path: Path) -> None:
    book = container(tmp_path / "b.xls", {"Workbook": workbook(), "Sub": b""})
    data = bytearray(book.read_bytes())
    folder_at = 2 * SECTOR
    data[folder_at + 3 * 128 : folder_at + 4 * 128] = entry("EncryptedPackage", 2, 2, 4096)
    data[folder_at + 2 * 128 : folder_at + 3 * 128] = entry("Sub", 1, 0, 0, child=3)
    book.write_bytes(data)
    assert not is_locked(book)


def test_a_small_stream_is_found_inside_the_roots_own(tmp_path: Path) -> None:
    """Sector 2 holds the small streams in pieces of 64 bytes, sector 3 their table: the workbook is pieces 1, 0."""
    pieces = record(FILEPASS, bytes(54)).ljust(64, b"\0") + record(BOF, bytes(60))
    links = struct.pack("<II", END, 0).ljust(SECTOR, b"\xff")
    book = container(tmp_path / "small.xls", {"A": pieces.ljust(SECTOR, b"\0"), "B": links})
    data = bytearray(book.read_bytes())
    struct.pack_into("<II", data, 60, 3, 1)
    data[2 * SECTOR : 3 * SECTOR] = (entry("Root Entry", 5, 2, 128, child=1) + entry("Workbook", 2, 1, 128)).ljust(
        SECTOR, b"\0"
    )
    book.write_bytes(data)
    assert is_locked(book)


def test_chains_that_bite_their_tail_end(tmp_path: Path) -> None:
    started = time.perf_counter()
    folder_loop = container(tmp_path / "a.xls", {"Workbook": workbook()}, links={1: 1})
    stream_loop = container(tmp_path / "b.xls", {"Workbook": workbook()}, links={2: 2})
    for book in (folder_loop, stream_loop):
        assert not is_locked(book)
    data = bytearray(folder_loop.read_bytes())
    for offset in (30, 44, 48, 56, 60, 64, 68, 72, 76):
        for value in (0, 1, 0x7FFFFFFF, FREE):
            struct.pack_into("<I", data, offset, value)
            (tmp_path / "c.xls").write_bytes(data)
            assert not is_locked(tmp_path / "c.xls")
    data = bytearray(stream_loop.read_bytes())
    struct.pack_into("<III", data, 2 * SECTOR + 128 + 68, 1, 0, 1)  # an entry beside itself
    (tmp_path / "d.xls").write_bytes(data)
    assert not is_locked(tmp_path / "d.xls")
    assert time.perf_counter() - started < 1


def test_a_damaged_or_unknown_lock_is_one_line(tmp_path: Path, folder: Path) -> None:
    broken = container(tmp_path / "a.xlsx", {"EncryptedPackage": b"?" * 4096, "EncryptionInfo": b"?" * 4096})
    assert is_locked(broken)
    assert "the reader gave up on this workbook" in refusal(broken, "secret", folder)
    unknown = container(tmp_path / "b.xls", {"Workbook": record(BOF, bytes(16)) + record(FILEPASS, b"\x01\x00" * 30)})
    assert "the reader gave up on this workbook" in refusal(unknown, "secret", folder)
    assert "the reader gave up on this workbook" in refusal(write_rows(tmp_path / "c.xlsx", [["a"]]), "x", folder)


def test_a_lock_that_would_take_minutes_is_refused(tmp_path: Path, folder: Path) -> None:
    book = locked_xlsx(tmp_path / "slow.xlsx", "secret")
    data = book.read_bytes()
    assert data.count(b'spinCount="100000"') == 1
    book.write_bytes(data.replace(b'spinCount="100000" ', b'spinCount="9999999"'))
    assert b'spinCount="9999999"' in book.read_bytes()
    started = time.perf_counter()
    assert "the reader gave up on this workbook" in refusal(book, "secret", folder)
    assert time.perf_counter() - started < 1

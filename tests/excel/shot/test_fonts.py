"""Fonts read from their files: the one of the package, and those of the machine when they are asked for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter

from xltrain.excel.shot import shoot, system_fonts
from xltrain.excel.shot.fonts import font_path, glyphs, latin, metrics, missing, pieces, pixels, width
from xltrain.excel.shot.opentype import faces
from xltrain.excel.shot.page import Options
from xltrain.excel.shot.style import Font

SC = "Noto Sans CJK SC"


def test_widths_are_those_that_a_full_reader_finds() -> None:
    from fontTools.ttLib import TTCollection

    with TTCollection(font_path(), lazy=True) as collection:
        face = next(each for each in collection if each["name"].getDebugName(1) == SC)
        sizes, unit = face["hmtx"].metrics, face["head"].unitsPerEm
        wanted = {code: sizes[name][0] / unit for code, name in face.getBestCmap().items()}
    assert metrics().widths == wanted


def test_names_of_faces() -> None:
    names = [face.name(1) for face in faces(font_path())]
    assert SC in names
    assert "Noto Sans CJK JP" in names
    assert {face.name(2) for face in faces(font_path())} == {"Regular"}
    assert faces(font_path())[0].name(999) == ""


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"ttcf\0\1\0\0\xff\xff\xff\xff", b"\0\1\0\0\0\1\0\0\0\0\0\0cmap"]
)
def test_what_is_no_font_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ttf"
    path.write_bytes(content)
    for face in faces(str(path)):
        with pytest.raises(ValueError, match=r".*"):
            face.widths()
    assert faces(str(tmp_path / "none.ttf")) == []


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose only fonts are the package's."""
    shutil.copy(font_path(), tmp_path / "fonts.ttc")
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0")
    monkeypatch.setattr(system_fonts, "folders", lambda: [tmp_path, tmp_path / "none"])
    caches = (system_fonts._listed, system_fonts._face, system_fonts.holding, glyphs)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def test_installed_fonts_are_used_only_when_asked_for(machine: None) -> None:
    font = Font("Noto Sans CJK KR")
    assert {piece.family for piece in pieces("abc", font)} == {""}
    with system_fonts.using("system"):
        assert {(piece.family, piece.factor) for piece in pieces("abc", font)} == {("Noto Sans CJK KR", 1.0)}
        assert width("a", font) == pytest.approx(metrics().widths[ord("a")] * 11 * 96 / 72)
        assert missing("aब", font) == {"ब"}
        assert pieces("abc", Font("No Such Font")) == pieces("abc", Font("No Such Other"))
    assert {piece.family for piece in pieces("abc", font)} == {""}


def test_a_script_without_a_font_gets_one_line_of_advice(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet().write_column("A1", ["हिन्दी", "भारत", "汉字 Ωμέγα Привет", "😀"])
    book.close()
    notes = shoot(path, options=Options()).notes
    assert len(notes) == 2
    assert "Devanagari" in notes[0]
    assert "--fonts system" in notes[0]
    assert "😀" in notes[1]


@pytest.mark.parametrize("name", ["Courier New", "consolas", "DejaVu Sans Mono"])
def test_letters_of_even_fonts_are_all_of_one_width(name: str) -> None:
    font = Font(name=name)
    assert width("iiii |.", font) == pytest.approx(width("WWWW0é8", font))
    assert width("0" * 10, font) == pytest.approx(10 * latin(name) * 0.5 * pixels(font))


def test_other_fonts_keep_the_widths_of_their_letters() -> None:
    for name in ("Calibri", "Monotype Corsiva"):
        assert width("iiii", Font(name=name)) < width("WWWW", Font(name=name)) / 2

"""A range drawn by LibreOffice, where it is installed: to compare with, and for what the own renderer does not know."""

import shutil
import struct
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xltrain.errors import WorkbookError
from xltrain.excel.package import missing_book
from xltrain.excel.recalculate import OFFLINE, format_of, libreoffice, run, start
from xltrain.language import text
from xltrain.place import Place, Problem, Range

if TYPE_CHECKING:
    import numpy as np

SECONDS = 60.0
_EDGE = 2.0  # millimetres of paper around the range, so that its outer lines are drawn whole
_MOST = 2900.0  # millimetres that a page may have
_POINTS = 72 / 25.4  # of a millimetre

# The profile is a new one for every call, with this macro as its only content: a macro may set the paper to the size
# of the range, which no option of the command line can. Formulas show the values that are stored (1: never anew).
_SETTINGS = (
    ("org.openoffice.Office.Calc/Formula/Load", "OOXMLRecalcMode", "1"),
    ("org.openoffice.Office.Calc/Formula/Load", "ODFRecalcMode", "1"),
    ("org.openoffice.Setup/Office", "ooSetupInstCompleted", "true"),  # else the first start replaces the macro
    *OFFLINE,
)
_MACRO = """
Function Given(key As String, content As Variant) As Object
  Dim one As New com.sun.star.beans.PropertyValue
  one.Name = key
  one.Value = content
  Given = one
End Function

Sub Say(path As String, words As String)
  Dim channel As Integer
  channel = FreeFile
  Open path For Append As #channel
  Print #channel, words
  Close #channel
End Sub

Sub DrawOne(doc As Object, sheetName As String, firstRow As Long, firstColumn As Long, _
            lastRow As Long, lastColumn As Long, _
            grid As Boolean, target As String, report As String)
  Dim sheet As Object, area As Object, paper As Object, styles As Object, strip As Object, told As String
  Dim i As Long, size As Long, usual As Long
  sheet = doc.Sheets.getByName(sheetName)
  sheet.IsVisible = True
  area = sheet.getCellRangeByPosition(firstColumn, firstRow, lastColumn, lastRow)
  usual = sheet.Rows.getByIndex(sheet.Rows.Count - 1).Height
  For i = firstRow To lastRow
    strip = sheet.Rows.getByIndex(i)
    If strip.IsVisible And strip.OptimalHeight And strip.Height = usual Then
      strip.OptimalHeight = True
      If strip.Height < usual Then strip.Height = usual
    End If
  Next
  told = "columns"
  For i = firstColumn To lastColumn
    strip = sheet.Columns.getByIndex(i)
    size = 0
    If strip.IsVisible Then size = strip.Width
    told = told & " " & size
  Next
  Say report, told
  told = "rows"
  For i = firstRow To lastRow
    strip = sheet.Rows.getByIndex(i)
    size = 0
    If strip.IsVisible Then size = strip.Height
    told = told & " " & size
  Next
  Say report, told
  If area.queryContentCells(1 + 2 + 4 + 16).Count = 0 Then  ' LibreOffice leaves out a page without values
    sheet.getCellByPosition(lastColumn, lastRow).String = " "
  End If
  styles = doc.StyleFamilies.getByName("PageStyles")
  If Not styles.hasByName("xltrain") Then
    styles.insertByName("xltrain", doc.createInstance("com.sun.star.style.PageStyle"))
  End If
  paper = styles.getByName("xltrain")
  paper.HeaderIsOn = False
  paper.FooterIsOn = False
  paper.IsLandscape = False
  paper.LeftMargin = @EDGE@
  paper.RightMargin = 0
  If sheet.TableLayout = 1 Then  ' from right to left it begins at the right margin
    paper.LeftMargin = 0
    paper.RightMargin = 2 * @EDGE@
  End If
  paper.TopMargin = @EDGE@
  paper.BottomMargin = 0
  paper.CenterHorizontally = False
  paper.CenterVertically = False
  paper.PageScale = 100
  paper.PrintGrid = grid
  paper.PrintHeaders = False
  paper.PrintAnnotations = False
  If area.Size.Width > @MOST@ Or area.Size.Height > @MOST@ Then
    Say report, "large"
    Exit Sub
  End If
  paper.Width = area.Size.Width + 3 * @EDGE@
  paper.Height = area.Size.Height + 3 * @EDGE@
  sheet.PageStyle = "xltrain"
  sheet.setPrintTitleRows(False)
  sheet.setPrintTitleColumns(False)
  doc.storeToURL(target, Array(Given("FilterName", "calc_pdf_Export"), _
    Given("FilterData", Array(Given("Selection", area), Given("UseLosslessCompression", True), _
    Given("ReduceImageResolution", False)))))
  Say report, "drawn"
End Sub

Sub Draw
  Dim doc As Object
  On Error GoTo Failed
@CALLS@
  StarDesktop.terminate
  Exit Sub
Failed:
  Say "@REPORT@", "failed " & Err & " " & Error$
  StarDesktop.terminate
End Sub
"""
_LIBRARY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">\n'
    '<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" '
    'library:readonly="false" library:passwordprotected="false">{}</library:library>\n'
)
_LIBRARIES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE library:libraries PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "libraries.dtd">\n'
    '<library:libraries xmlns:library="http://openoffice.org/2000/library" '
    'xmlns:xlink="http://www.w3.org/1999/xlink">\n'
    '<library:library library:name="Standard" library:link="false"/>\n</library:libraries>\n'
)
_MODULE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">\n'
    '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Draw" '
    'script:language="StarBasic">{}</script:module>\n'
)


@dataclass(frozen=True)
class Sketch:
    """What LibreOffice drew of a range. `width` and `height` in points; `columns` and `rows` are the points from the
    range's left upper corner where each column and row begins, and the last one's end: hidden ones have no size.
    `pdf` is its page, on which that corner stands at `corner` (points from the left and from the top).
    """

    pdf: bytes
    width: float
    height: float
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    corner: tuple[float, float]
    scale: float = 2.0

    def colours(self) -> "np.ndarray[Any, Any]":
        """The picture as (height, width, 3) bytes from 0 to 255, cut to the range."""
        pdfium = _pdfium(None)
        pixels = self.scale * 96 / 72
        document = pdfium.PdfDocument(self.pdf)
        try:
            drawn = document[0].render(scale=pixels, rev_byteorder=True, draw_annots=False)
            left, top = (round((at - 0.5 * 72 / 96) * pixels) for at in self.corner)
            wide, high = (round(points * pixels + self.scale) for points in (self.width, self.height))
            return drawn.to_numpy()[top : top + high, left : left + wide, :3].copy()  # type: ignore[no-any-return]
        finally:
            document.close()

    @property
    def png(self) -> bytes:
        """The picture as PNG, tagged with its resolution."""
        return _png(self.colours(), self.scale)


def draw_with_libreoffice(
    book: Path, area: Range, scale: float = 2.0, limit: float = SECONDS, gridlines: bool = False
) -> Sketch:
    """Draw a range by LibreOffice, in a process and a profile of its own, from a copy of the book.

    Args:
        area: with the name of its sheet as in the book.
        scale: pixels of the PNG per pixel at 96 dpi.
        limit: seconds after which LibreOffice and all that it started is ended.
        gridlines: whether they are drawn; LibreOffice draws them black.

    Raises:
        WorkbookError: LibreOffice or pypdfium2 is missing; the book cannot be read, has no such sheet, took too long,
            or the range is wider or higher than 2.9 m.
    """
    return draw_all_with_libreoffice(book, [area], scale, limit, gridlines)[0]


def draw_all_with_libreoffice(
    book: Path, areas: Sequence[Range], scale: float = 2.0, limit: float = SECONDS, gridlines: bool = False
) -> list[Sketch]:
    """Several ranges of one book, which is opened once; otherwise as `draw_with_libreoffice`."""
    place = Place(str(book))
    missing = missing_book(book)
    if missing:
        raise WorkbookError(missing)
    program, kind = libreoffice(), format_of(book)
    if not program:
        raise WorkbookError(Problem(place, text("shot_no_libreoffice"), text("shot_no_libreoffice_hint")))
    _pdfium(place)
    if not kind:
        raise WorkbookError(_failed(place))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        own = Path(folder).resolve()
        copy = own / f"book{book.suffix.lower()}"
        shutil.copyfile(book, copy)
        call = [*start(program, own, _SETTINGS), "macro:///Standard.Draw.Draw"]
        _write_macro(own, _macro(own, copy, kind, areas, gridlines))
        if not run(call, limit):
            slow = text("shot_libreoffice_slow", seconds=f"{limit:g}")
            raise WorkbookError(Problem(place, slow, text("shot_libreoffice_slow_hint")))
        return [_sketch(own, number, place, area, scale) for number, area in enumerate(areas)]


def _pdfium(place: Place | None) -> Any:
    try:
        import pypdfium2
    except ImportError as error:
        raise WorkbookError(Problem(place, text("shot_no_pdfium"), text("shot_no_pdfium_hint"))) from error
    return pypdfium2


def _failed(place: Place) -> Problem:
    return Problem(place, text("shot_libreoffice_failed"), text("shot_libreoffice_failed_hint"))


def _macro(own: Path, copy: Path, kind: str, areas: Sequence[Range], gridlines: bool) -> str:
    """The macro with its calls. Every range reports into a file of its own."""
    opened = (
        f'  doc = StarDesktop.loadComponentFromURL({_quoted(copy.as_uri())}, "_blank", 0, Array('
        f'Given("Hidden", True), Given("MacroExecutionMode", 0), Given("UpdateDocMode", 0), '
        f'Given("FilterName", {_quoted(kind)})))'
    )
    calls = [opened]
    for number, area in enumerate(areas):
        corners = area.first_row - 1, area.first_column - 1, area.last_row - 1, area.last_column - 1
        calls.append(
            f"  DrawOne(doc, {_quoted(area.sheet)}, {', '.join(map(str, corners))}, {gridlines}, "
            f"{_quoted((own / f'{number}.pdf').as_uri())}, {_quoted(str(own / f'{number}.txt'))})"
        )
    calls.append("  doc.close(False)")
    edge, most = str(round(_EDGE * 100)), str(round(_MOST * 100))
    filled = _MACRO.replace("@EDGE@", edge).replace("@MOST@", most).replace("@CALLS@", "\n".join(calls))
    return filled.replace("@REPORT@", str(own / "failed.txt").replace('"', '""'))


def _quoted(words: str) -> str:
    """A text of Basic; a line end in a sheet's name cannot be."""
    return '"' + words.replace('"', '""') + '"'


def _write_macro(own: Path, macro: str) -> None:
    """Into the profile's own library, whose macros are trusted, unlike those of a book."""
    basic = own / "profile" / "user" / "basic"
    (basic / "Standard").mkdir(parents=True)
    for name in ("script", "dialog"):
        (basic / f"{name}.xlc").write_text(_LIBRARIES, encoding="utf-8")
        element = '<library:element library:name="Draw"/>' if name == "script" else ""
        (basic / "Standard" / f"{name}.xlb").write_text(_LIBRARY.format(element), encoding="utf-8")
    (basic / "Standard" / "Draw.xba").write_text(_MODULE.format(escape(macro)), encoding="utf-8")


def _sketch(own: Path, number: int, place: Place, area: Range, scale: float) -> Sketch:
    pdf, report = own / f"{number}.pdf", own / f"{number}.txt"
    lines = report.read_text(encoding="utf-8", errors="replace").splitlines() if report.is_file() else []
    told = {words[0]: words[1:] for line in lines if (words := line.split())}
    if "large" in told:
        message = text("shot_libreoffice_large", range=area)
        raise WorkbookError(Problem(place, message, text("shot_too_large_hint")))
    if "drawn" not in told or not pdf.is_file():
        raise WorkbookError(_failed(place))
    columns, rows = (_edges(told[name]) for name in ("columns", "rows"))
    if not columns[-1] or not rows[-1]:
        raise WorkbookError(Problem(place, text("shot_all_hidden", range=area), text("shot_all_hidden_hint")))
    corner = _EDGE * _POINTS
    return Sketch(pdf.read_bytes(), columns[-1], rows[-1], columns, rows, (corner, corner), scale)


def _edges(sizes: Sequence[str]) -> tuple[float, ...]:
    """Points where lines begin, from their sizes in hundredths of a millimetre."""
    at, edges = 0, [0.0]
    for size in sizes:
        at += int(size)
        edges.append(at / 100 * _POINTS)
    return tuple(edges)


def _png(colours: "np.ndarray[Any, Any]", scale: float) -> bytes:
    """Pixels (height, width, 3) as PNG."""
    import numpy as np

    height, width = colours.shape[:2]
    lines = np.zeros((height, 1 + width * 3), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = colours.reshape(height, -1)
    dots = round(96 * scale / 0.0254)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            chunk(b"pHYs", struct.pack(">IIB", dots, dots, 1)),
            chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            chunk(b"IEND", b""),
        )
    )

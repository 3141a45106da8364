"""Parts in UTF-16: held as UTF-8 while they are changed, written as they were."""

import codecs
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO


def encoder(source: Path, entry: str, stream: IO[bytes]) -> Callable[[bytes], object]:
    """What writes a part that is held as UTF-8: as it is, or as UTF-16 where the workbook has it so."""
    with zipfile.ZipFile(source) as archive, archive.open(entry) as part:
        mark = part.read(2)
    if mark not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return stream.write
    name = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    reader = codecs.getincrementaldecoder("utf-8")()
    stream.write(mark)

    def write(piece: bytes) -> None:
        stream.write(reader.decode(piece).encode(name))

    return write

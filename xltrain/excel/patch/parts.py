"""The parts of a copy: which are changed, new or dropped, with their relationships and content types."""

import posixpath
import zipfile
from xml.parsers import expat

from xltrain.errors import WorkbookError
from xltrain.excel.markup import appended, attribute, edited, name_of, outline
from xltrain.excel.scan import Package

TYPES = "[Content_Types].xml"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_TRANSITIONAL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_XML = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Parts:
    """Small parts read whole. A part in UTF-16 is changed as UTF-8 here and written as UTF-16 again."""

    def __init__(self, package: Package) -> None:
        self.package = package
        with zipfile.ZipFile(package.path) as archive:
            self._names = {name.lstrip("/").casefold(): name for name in archive.namelist()}
            start = archive.read(self.entry("_rels/.rels")) if "_rels/.rels" in self._names else b""
        self.strict = _STRICT.encode() in start
        self.changed: dict[str, bytes] = {}
        self.new: dict[str, bytes] = {}
        self.dropped: list[str] = []

    @property
    def kinds(self) -> str:
        """What the types of relationships begin with."""
        return _STRICT if self.strict else _TRANSITIONAL

    @property
    def book(self) -> str:
        """The part of the workbook."""
        starts = [part for kind, part in self.package.relations("").values() if kind == "officeDocument"]
        return starts[0] if starts else "xl/workbook.xml"

    def entry(self, part: str) -> str:
        """The name of a part's entry in the zip file."""
        return self._names.get(part.casefold(), part)

    def __contains__(self, part: str) -> bool:
        return part in self.new or part.casefold() in self._names

    def read(self, part: str) -> bytes:
        """A part as it will be, as UTF-8."""
        if part in self.new:
            return self.new[part]
        return self.changed[part] if part in self.changed else self.package.read(part)

    def write(self, part: str, raw: bytes) -> None:
        if part.casefold() in self._names:
            if raw != self.read(part):
                self.changed[part] = raw
        else:
            self.new[part] = raw

    def drop(self, part: str, *owners: str) -> None:
        """Leave a part out, with its relationships and content type."""
        if part.casefold() not in self._names or part in self.dropped:
            return
        self.dropped.append(part)
        for rels in map(rels_of, owners):
            raw = self.read(rels)
            wanted = [
                each
                for each in outline(raw).within
                if each.attributes.get("Target", "").rpartition("/")[2].casefold() == part.rpartition("/")[2].casefold()
            ]
            self.write(rels, edited(raw, [(each.start, each.end - each.start, b"") for each in wanted]))
        raw = self.read(TYPES)
        named = [
            each
            for each in outline(raw).within
            if each.attributes.get("PartName", "").lstrip("/").casefold() == part.casefold()
        ]
        self.write(TYPES, edited(raw, [(each.start, each.end - each.start, b"") for each in named]))

    def free_name(self, pattern: str) -> str:
        """The first part name that nothing has, such as xl/comments{}.xml with a number."""
        number = 1
        while pattern.format(number) in self:
            number += 1
        return pattern.format(number)

    def relate(self, owner: str, kind: str, target: str) -> str:
        """Add a relationship and give its id."""
        rels = rels_of(owner)
        if rels not in self:
            self.write(rels, _XML + f'<Relationships xmlns="{_RELS}"></Relationships>'.encode())
        raw = self.read(rels)
        root = outline(raw)
        taken = {each.attributes.get("Id", "") for each in root.within}
        number = 1
        while f"rId{number}" in taken:
            number += 1
        tag = name_of(root.prefix, "Relationship")
        goal = attribute("/" + target)
        xml = f'<{tag} Id="rId{number}" Type="{self.kinds}/{kind}" Target="{goal}"/>'.encode()
        self.write(rels, edited(raw, [appended(raw, root, xml)]))
        return f"rId{number}"

    def declare(self, part: str, kind: str) -> None:
        """Give a new part its content type."""
        self._type("Override", "PartName", "/" + part, kind)

    def declare_suffix(self, suffix: str, kind: str) -> None:
        """Give all parts of a suffix their content type, where it has none yet."""
        self._type("Default", "Extension", suffix, kind)

    def _type(self, element: str, key: str, value: str, kind: str) -> None:
        raw = self.read(TYPES)
        root = outline(raw)
        known = [each for each in root.within if each.name == element]
        if any(each.attributes.get(key, "").casefold() == value.casefold() for each in known):
            return
        tag = name_of(root.prefix, element)
        xml = f'<{tag} {key}="{attribute(value)}" ContentType="{kind}"/>'.encode()
        edit = (root.inner, 0, xml) if element == "Default" and not root.closes_itself else appended(raw, root, xml)
        self.write(TYPES, edited(raw, [edit]))

    def broken(self, error: Exception) -> WorkbookError:
        return WorkbookError(self.package.broken(error))


def rels_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", name + ".rels")


ParseError = expat.ExpatError

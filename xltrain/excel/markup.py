"""XML as bytes that stay as they are: where elements stand, and changes put between them.

Nothing is parsed and written again; a change names the bytes it takes out and those it puts in.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from xml.parsers import expat

_TAG = re.compile(rb"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")

Edit = tuple[int, int, bytes]  # offset, bytes taken out, bytes put in


@dataclass
class Node:
    """An element: its name without prefix, its attributes, and the offsets of its tags.

    `start` to `inner` is the start tag, `inner_end` to `end` the end tag (empty where the element closes itself).
    """

    name: str
    attributes: Mapping[str, str]
    start: int
    inner: int
    inner_end: int
    end: int
    depth: int
    prefix: str = ""
    text: str = ""
    within: list["Node"] = field(default_factory=list)

    def all(self, name: str) -> Iterable["Node"]:
        """Every element of this name below, in order."""
        for each in self.within:
            if each.name == name:
                yield each
            yield from each.all(name)

    def child(self, name: str) -> "Node | None":
        return next((each for each in self.within if each.name == name), None)

    @property
    def closes_itself(self) -> bool:
        return self.inner == self.end


def outline(raw: bytes) -> Node:
    """The root element of a part as UTF-8. expat.ExpatError where it is no XML."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    top = Node("", {}, 0, 0, len(raw), len(raw), -1)
    open_nodes = [top]

    def start(name: str, attributes: Mapping[str, str]) -> None:
        at = parser.CurrentByteIndex
        tag = _TAG.match(raw, at)
        end = tag.end() if tag else at
        prefix, _, local = name.rpartition(":")
        closed = raw[end - 2 : end - 1] == b"/"
        node = Node(local, attributes, at, end, end, end if closed else -1, len(open_nodes) - 1, prefix)
        open_nodes[-1].within.append(node)
        open_nodes.append(node)

    def stop(_: str) -> None:
        node = open_nodes.pop()
        if node.end < 0:
            node.inner_end = parser.CurrentByteIndex
            node.end = raw.index(b">", node.inner_end) + 1

    def words(value: str) -> None:
        open_nodes[-1].text += value

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, stop, words
    parser.Parse(raw, True)
    return top.within[0]


def edited(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with all edits made; those at one offset in the order given."""
    done, at = [], 0
    for offset, taken, put in sorted(edits, key=lambda edit: edit[0]):
        done += [raw[at:offset], put]
        at = offset + taken
    return b"".join([*done, raw[at:]])


def with_attributes(tag: bytes, values: Mapping[str, str | None]) -> bytes:
    """A start tag with attributes set, or left out where the value is None."""
    for name, value in values.items():
        pattern = re.compile(rb"\s+" + name.encode() + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')")
        put = b"" if value is None else f' {name}="{attribute(value)}"'.encode()
        tag, found = pattern.subn(lambda _, put=put: put, tag, count=1)  # type: ignore[misc]
        if not found and put:
            end = len(tag) - (2 if tag.endswith(b"/>") else 1)
            tag = tag[:end].rstrip() + put + tag[end:]
    return tag


def set_attributes(raw: bytes, node: Node, **values: str | None) -> Edit:
    """The edit that sets attributes of an element."""
    tag = raw[node.start : node.inner]
    return node.start, len(tag), with_attributes(tag, values)


def appended(raw: bytes, node: Node, xml: bytes) -> Edit:
    """The edit that puts XML last into an element, also into one that closes itself."""
    if not node.closes_itself:
        return node.inner_end, 0, xml
    name = re.match(rb"<([\w:.-]+)", raw[node.start : node.inner])
    return node.inner - 2, 2, b">" + xml + b"</" + (name[1] if name else b"") + b">"


def plain(value: str) -> str:
    """A text as XML holds it; what XML cannot hold as Excel writes it: _x000B_."""
    value = _UNSAFE.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    return escape(value, quote=False).replace("\r", "_x000D_")


def attribute(value: str) -> str:
    """A text as an attribute holds it."""
    return escape(value).replace("\n", "&#10;").replace("\t", "&#9;")


def name_of(prefix: str, name: str) -> str:
    return f"{prefix}:{name}" if prefix else name

"""Places for small pictures on sheets, so that many are drawn at once."""

from collections.abc import Iterator, Sequence

WIDE, HIGH = 2048, 2048  # pixels of a sheet, where no single picture is larger

Places = dict[int, tuple[int, int]]  # index of a picture -> its left upper corner


def packed(sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[Places, tuple[int, int]]]:
    """Sheets, each with the places of its pictures and its size; the pictures stand in lines, the low ones first.

    Args:
        sizes: width and height of every picture in pixels.
    """
    places: Places = {}
    left = top = line = across = 0
    for index in sorted(range(len(sizes)), key=lambda each: sizes[each][1]):
        width, height = sizes[index]
        if left and left + width > WIDE:
            left, top, line = 0, top + line, 0
        if top and top + height > HIGH:
            yield places, (across, top)
            places, left, top, line, across = {}, 0, 0, 0, 0
        places[index] = left, top
        left, line = left + width, max(line, height)
        across = max(across, left)
    if places:
        yield places, (across, top + line)

"""Why our pictures and LibreOffice's differ, as judged by looking at each of them."""

import re

# Why the two differ, and which of them is right by Excel's rules: (book and cell, measure or empty for all).
CAUSES = (
    ("pivot_style", "", "LibreOffice knows no pivot styles", "xltrain"),
    ("table_style", "", "LibreOffice draws no table styles", "xltrain"),
    ("cell_styles_over_table_styles", "", "LibreOffice draws no table styles", "xltrain"),
    ("too_narrow", "", "a number too wide fills its cell with #, LibreOffice shows three", "xltrain"),
    ("cell_rules A4", "", "a text is above every number", "xltrain"),
    ("duplicates_and_unique B4", "", "an empty cell is not unique", "xltrain"),
    ("duplicates_and_unique", "", "duplicates ignore upper and lower case", "xltrain"),
    ("rules_over_cell_styles", "", "all rules that hold add up, LibreOffice takes the first", "xltrain"),
    ("unknown_formula_is_named", "", "CELL() in a rule is not worked out, and said so", "LibreOffice"),
    ("general_alignment E1", "ink", "the installed font has no Hebrew: dots, and a line of advice", "LibreOffice"),
    ("right_to_left B1", "ink", "the installed font has no Hebrew: dots, and a line of advice", "LibreOffice"),
    (
        "(wrapping|lines_end_after_hyphens) row",
        "",
        "lines are 20 px high; a line end without wrapping stays on one line",
        "xltrain",
    ),
    ("sparklines", "", "line width and markers of sparklines are left out by LibreOffice", "xltrain"),
    ("icon_sets", "ink", "icons of LibreOffice's own shape and size", "xltrain"),
    (".*spread.* (D1|A8|C1|E1)$", "", "LibreOffice fills a gradient with its mean", "xltrain"),
    (".*spread.* (D2|C2|E2)$", "", "LibreOffice knows no patterns, but mixes their colours", "xltrain"),
    (".*spread.* [A-F](29|3[0-5])$", "", "LibreOffice draws no table styles", "xltrain"),
    (
        ".*spread.* [A-K](3[7-9]|4[0-4])$",
        "",
        "LibreOffice makes pivot tables anew, in its own style and words",
        "xltrain",
    ),
    ("readxl_deaths", "", "LibreOffice draws no table styles", "xltrain"),
    ("janitor_dirty_data.* F1[34]$", "text", "LibreOffice works the formula out anew", "xltrain"),
    ("abs_6202021.* (C5|F11)$", "ink", "LibreOffice has another font, larger and bolder", "xltrain"),
    ("patterns", "", "LibreOffice knows no patterns, but mixes their colours", "xltrain"),
)


def cause(name: str, address: str, measure: str, what: str) -> tuple[str, str]:
    """Why, and which of the two is right by Excel's rules."""
    if measure == "grid" and address:
        for start, _, why, right in CAUSES:
            if re.match(start, f"{name} {address}"):
                return why, right
        if address.startswith("column"):
            return "columns of a given width are 5.7 % too wide in LibreOffice, others not", "xltrain"
        return "LibreOffice fits the height of a row to its own font", "xltrain"
    for start, of, why, right in CAUSES:
        if re.match(start, f"{name} {address}") and of in ("", measure):
            return why, right
    return "not judged", "?"

"""Numbers as fractions: `# ?/?`, `# ??/??`, `# ?/8`."""

Token = tuple[str, str]


def fraction_text(tokens: tuple[Token, ...], slash: int, value: float) -> list[str]:
    """The texts of the tokens of a number that is shown as a fraction, one for one.

    Placeholders before the slash are the numerator; earlier ones, apart from it, the whole number. After the slash
    stand placeholders (as many digits as there are) or a fixed denominator.
    """
    parts = [body for _, body in tokens]
    start = slash
    while start > 0 and tokens[start - 1][0] == "digit":
        start -= 1
    whole = [index for index in range(start) if tokens[index][0] == "digit"]
    end = slash + 1
    while end < len(tokens) and (tokens[end][0] == "digit" or tokens[end][1] in tuple("0123456789")):
        end += 1
    signs = "".join(body for _, body in tokens[slash + 1 : end])
    fixed = not set(signs) & set("?#") and signs.strip("0") != ""
    number, numerator, denominator = _split(value, bool(whole), int(signs) if fixed else 0, len(signs))
    for index in whole:
        parts[index] = ""
    if whole:
        shown = str(number) if number or not numerator or tokens[whole[-1]][1] == "0" else ""
        parts[whole[-1]] = shown
    over, under = str(numerator).rjust(slash - start), str(denominator).ljust(len(signs))
    if whole and not numerator:
        over, under = " " * (slash - start), " " * len(signs)
        parts[slash] = " "
    parts[start:slash] = [over, *[""] * (slash - start - 1)]
    parts[slash + 1 : end] = [under, *[""] * (end - slash - 2)]
    return parts


def _split(value: float, has_whole: bool, fixed: int, digits: int) -> tuple[int, int, int]:
    """Whole number, numerator, denominator."""
    number = int(value) if has_whole else 0
    rest = value - number
    if fixed:
        numerator, denominator = int(rest * fixed + 0.5), fixed
    else:
        numerator, denominator = _nearest(rest, 10 ** min(digits, 7) - 1)
    if has_whole and numerator == denominator:
        return number + 1, 0, denominator
    return number, numerator, denominator


def _nearest(value: float, most: int) -> tuple[int, int]:
    """The last convergent of the continued fraction whose denominator is small enough.

    Not always the nearest fraction there is, but the one that Excel shows: 0.456 in one digit is 1/2, not 4/9.
    """
    before, last = (0, 1), (1, 0)
    rest = value
    while True:
        whole = int(rest)
        before, last = last, (whole * last[0] + before[0], whole * last[1] + before[1])
        if last[1] > most:
            return before
        if rest - whole < 5e-8:
            return last
        rest = 1 / (rest - whole)

"""Numbers as people read them. Every function takes None for 'not measured' and says so with a dash, never with 0."""

from __future__ import annotations

from gradus.interval import Interval

ABSENT = "–"
UNTOLD = "all the same"
"""In the place of an interval: with values that do not differ none can be told."""
THIN = "\u202f"
"""Narrow no-break space, between a number and its unit."""
MINUS = "\u2212"


def count(value: int | None) -> str:
    """A whole number with separators, say `1,048,576`."""
    return ABSENT if value is None else f"{value:,}".replace("-", MINUS)


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with fixed decimals."""
    return ABSENT if value is None else _sign(f"{value:,.{digits}f}")


def percent(value: float | None, digits: int = 1) -> str:
    """A percentage that runs from 0 to 100, say `71.2 %`."""
    return ABSENT if value is None else f"{decimal(value, digits)}{THIN}%"


def share(value: float | None, digits: int = 0) -> str:
    """A share in [0, 1] as a percentage; what is not quite nothing or not quite all does not round to it."""
    if value is None:
        return ABSENT
    least = 10.0**-digits
    if 0 < 100 * value < least / 2:
        return f"< {percent(least, digits)}"
    return f"> {percent(100 - least, digits)}" if 100 - least / 2 <= 100 * value < 100 else percent(100 * value, digits)


def signed(value: float | None, digits: int = 1) -> str:
    """A difference with its sign, say `+3.4`; what rounds to nothing has none."""
    if value is None:
        return ABSENT
    text = decimal(value, digits)
    return text.removeprefix(MINUS) if not text.strip(f"{MINUS}0.,") else text if value < 0 else f"+{text}"


def p_value(value: float) -> str:
    """`p = 0.03`, or `p < 0.001` below that."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def interval(value: Interval | None, digits: int = 1, *, difference: bool = False) -> str:
    """An interval as `16.1 to 23.2`; the values it comes from may be all the same, then there is none to tell. '' for None."""
    if value is None:
        return ""
    if not value.told:
        return UNTOLD
    show = signed if difference else decimal
    return f"{show(value.low, digits)} to {show(value.high, digits)}"


def significant(value: float | None) -> str:
    """At most three significant digits, without an exponent where it can be avoided; for rates such as 0.002."""
    return ABSENT if value is None else f"{value:.3g}".replace("e-0", "e-").replace("-", MINUS)


def duration(seconds: float | None) -> str:
    """Seconds as `48 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds is None:
        return ABSENT
    if seconds < 60:
        return f"{decimal(seconds, 1 if seconds < 10 else 0)}{THIN}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}{THIN}min {whole % 60}{THIN}s"
    return f"{whole // 3600}{THIN}h {whole % 3600 // 60}{THIN}min"


def size_of_model(parameters: int) -> str:
    """A number of parameters as `1.05 million` or `1.7 billion`."""
    if parameters >= 1_000_000_000:
        return f"{parameters / 1e9:.3g} billion"
    return f"{parameters / 1e6:.3g} million" if parameters >= 100_000 else count(parameters)


def letter(name: str) -> str:
    """A letter of the grade with a real minus sign."""
    return f"{name[:-1]}{MINUS}" if name.endswith("-") else name


def label(name: str) -> str:
    """A key as words: `token_f1` becomes `Token f1`."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _sign(text: str) -> str:
    """With a real minus sign, and none on a zero."""
    return text.replace("-", MINUS if text.strip("-0.,") else "")

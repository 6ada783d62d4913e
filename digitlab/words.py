"""Numbers and names as a person would spell them."""

from __future__ import annotations

import time


def percent(share: float | None, digits: int = 2) -> str:
    """A share from 0 to 1 as a percentage; a dash where it is not known."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def interval(bounds: tuple[float, float] | None, digits: int = 2) -> str:
    """Both ends of an interval of shares, in percent; a dash where it is not known."""
    if bounds is None:
        return "–"
    return f"{100 * bounds[0]:.{digits}f} to {percent(bounds[1], digits)}"


def hundred(share: float | None) -> float | None:
    """A share as a number of percent, for tables that sort by it."""
    return None if share is None else 100 * share


def probability(share: float, *, short: bool = False) -> str:
    """A network's probability; one that only rounding would make certain is not called so.

    `short` is for labels: "> 99.9 %" instead of "more than 99.9 %".
    """
    if share > 0.999:
        return f"{'>' if short else 'more than'} 99.9 %"
    return f"{'<' if short else 'less than'} 0.1 %" if share < 0.001 else percent(share, 1)


def whole_percent(share: float) -> str:
    """A probability's percents for the caption of a small image, where no digit more fits."""
    return ">99" if share > 0.995 else "<1" if share < 0.005 else f"{100 * share:.0f}"


def counted(count: int, noun: str) -> str:
    """A number of things: "1 layer", "1,200 layers"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def in_short(value: object) -> str:
    """A setting's value, a fraction with as many digits as are read."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def times(count: int) -> str:
    """How often: "once", "twice", "12 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def shorten(text: str, length: int) -> str:
    """`text`, or its beginning and "…", `length` characters in all, where it is longer."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def with_article(name: str) -> str:
    """A class with its article: "a 7", "an 8"."""
    return f"an {name}" if name[:1].lower() in tuple("8aeio") else f"a {name}"


def size(count: float, digits: int = 1) -> str:
    """A number of bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:,.{digits}f} {unit}"
    return f"{count:.0f} bytes"


def duration(seconds: float | None) -> str:
    """A length of time."""
    if seconds is None:
        return "–"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago(moment: float | None) -> str:
    """How long ago a moment was, seconds since 1970."""
    if moment is None:
        return "–"
    passed = max(0.0, time.time() - moment)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if passed >= length:
            return f"{int(passed // length)} {unit} ago"
    return "just now"

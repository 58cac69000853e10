"""Times of day and offsets from UTC, as ISO 8601 and people write them.

24:00 is the end of the day that it stands beside and is kept so. A second 60 is taken only where a leap second can be:
in the last minute of an hour (and by the date, see `date_forms`). A point between hour and minute (`8.30`), as the region
writes it, is read where nothing but a time stands; beside a date only with am, pm or น. behind it.
"""

import re
from types import MappingProxyType
from typing import Final

_OFFSET: Final = r"[Zz]|(?:UTC|GMT)?[+\-]\d{1,2}(?::?\d{2})?|UTC|GMT"
# Abbreviations that mean one zone in the region; CST and the like mean several and are not taken.
_ABBREVIATIONS: Final = MappingProxyType(
    {
        **{"ICT": "+07:00", "WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00", "SGT": "+08:00", "MYT": "+08:00"},
        **{"PHT": "+08:00", "HKT": "+08:00", "MMT": "+06:30", "TLT": "+09:00"},
    }
)
_NAMED: Final = r"[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_]+)+"
ZONE: Final = rf"(?:{_OFFSET}|{'|'.join(_ABBREVIATIONS)}|{_NAMED})"
_ZONE_END: Final = rf"(?P<zone>{ZONE})?(?P<region>\[{_NAMED}\])?"

ISO_TIME: Final = rf"(?P<time>\d{{1,2}}(?::?[0-5]\d(?::?(?:[0-5]\d|60)(?:[.,]\d+)?)?)?)\s*{_ZONE_END}"
HALF_DAY_TIME: Final = (
    r"(?P<hour12>\d{1,2})(?:[:.](?P<minute12>[0-5]\d)(?::(?P<second12>[0-5]\d))?)?\s*(?P<half>[AaPp])\.?[Mm]\.?"
)
WORD_TIME: Final = (
    r"(?P<before>上午|下午|lúc\s*|เวลา\s*)?(?P<hour>\d{1,2})\s*(?:h|giờ|[时時点點]|[.:](?=\d\d\s*น))\s*"
    r"(?:(?P<minute>[0-5]?\d)\s*(?:phút|分|m(?:in)?)?\s*(?:(?P<second>[0-5]?\d)\s*(?:giây|秒|s))?)?\s*(?:น\.?)?"
)
_POINTED: Final = re.compile(rf"(?P<clock>\d{{1,2}}\.[0-5]\d)(?:\s*{_ZONE_END})?")
_FORMS: Final = tuple(re.compile(form) for form in (rf"[Tt]?{ISO_TIME}", HALF_DAY_TIME, WORD_TIME))


def read_time(told: str) -> tuple[str, str | None]:
    """Read a time of day.

    Parameters
    ----------
    told : str
        Digits and hyphens in ASCII, no white space around it.

    Returns
    -------
    (str, str or None)
        The clock as HH:MM[:SS[.f]], HH:00 where only the hour was told; and the zone, as ±HH:MM or an IANA name.

    Raises
    ------
    ValueError
        If it is no time of day.
    """
    if match := _FORMS[0].fullmatch(told):
        region = match["region"][1:-1] if match["region"] else None
        return _read_clock(match["time"]), read_zone(match["zone"]) or region
    if match := _POINTED.fullmatch(told):
        return _read_clock(match["clock"].replace(".", ":")), read_zone(match["zone"])
    if match := _FORMS[1].fullmatch(told):
        hour = int(match["hour12"])
        if 1 <= hour <= 12:
            hour = hour % 12 + (12 if match["half"] in "pP" else 0)
            second = f":{match['second12']}" if match["second12"] else ""
            return f"{hour:02}:{match['minute12'] or '00'}{second}", None
    if match := _FORMS[2].fullmatch(told):
        hour = int(match["hour"])
        if match["before"] == "下午" and 1 <= hour <= 11:
            hour += 12
        if hour < 24 and not (match["before"] == "上午" and hour > 12):
            second = f":{int(match['second']):02}" if match["second"] else ""
            return f"{hour:02}:{int(match['minute'] or 0):02}{second}", None
    problem = "no time of day"
    raise ValueError(problem)


def _read_clock(told: str) -> str:
    """Return an ISO time of day as HH:MM[:SS[.f]]."""
    digits = told.replace(":", "").replace(",", ".")
    whole, _, fraction = digits.partition(".")
    whole = whole.zfill(len(whole) + len(whole) % 2)
    hour, minute, second = whole[:2], whole[2:4] or "00", whole[4:6]
    beyond = int(hour) > 24 or (hour == "24" and (minute + second + fraction).strip("0"))
    if beyond or (second == "60" and (minute != "59" or fraction.strip("0"))):
        problem = "no time of day"
        raise ValueError(problem)
    clock = f"{hour}:{minute}" + (f":{second}" if second else "")
    return f"{clock}.{fraction}" if fraction else clock


def read_zone(told: str | None) -> str | None:
    """Return an offset from UTC as ±HH:MM, an IANA name as it is; None where none was told.

    Raises
    ------
    ValueError
        If it is more than 14 hours, or has more than 59 minutes.
    """
    if not told:
        return None
    if told in {"Z", "z", "UTC", "GMT"}:
        return "+00:00"
    if told in _ABBREVIATIONS:
        return _ABBREVIATIONS[told]
    told = told.removeprefix("UTC").removeprefix("GMT")
    if told[0] not in "+-":
        return told
    hours, _, minutes = told[1:].partition(":")
    if len(hours) > 2:
        hours, minutes = hours[:-2], hours[-2:]
    if int(hours) * 60 + int(minutes or 0) > 14 * 60 or int(minutes or 0) > 59:
        problem = "no offset from UTC"
        raise ValueError(problem)
    return f"{told[0]}{int(hours):02}:{int(minutes or 0):02}"

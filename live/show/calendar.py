"""A show as a calendar entry (RFC 5545); pure text."""
from datetime import UTC, datetime, timedelta

USUAL_LENGTH = timedelta(hours=1)


def entry(*, uid: str, title: str, text: str, url: str, starts_at: datetime, length: timedelta | None, stamp: datetime,
          rev: int, cancelled: bool = False) -> str:
    """One VEVENT with an alarm ten minutes before."""
    described = f"{text}\n\n{url}" if text else url
    ends_at = starts_at + (length or USUAL_LENGTH)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Livestall//Live sales//EN", "CALSCALE:GREGORIAN",
             "METHOD:PUBLISH", "BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{_utc(stamp)}", f"DTSTART:{_utc(starts_at)}",
             f"DTEND:{_utc(ends_at)}", f"SEQUENCE:{rev}", f"SUMMARY:{_text(title)}",
             f"DESCRIPTION:{_text(described)}", f"URL:{url}",
             f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}"]
    if not cancelled:
        lines += ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{_text(title)}", "TRIGGER:-PT10M", "END:VALARM"]
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return "".join(_fold(line) for line in lines)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    for sign, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        value = value.replace(sign, escaped)
    return value


def _fold(line: str) -> str:
    """At most 75 octets a line, continued with a space, never inside a character (RFC 5545 §3.1)."""
    parts, part, room = [], "", 75
    for char in line:
        size = len(char.encode())
        if size > room:
            parts.append(part)
            part, room = "", 74
        part += char
        room -= size
    return "\r\n ".join([*parts, part]) + "\r\n"

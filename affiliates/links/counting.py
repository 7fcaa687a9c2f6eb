"""What is a click: a person's browser going to the link's address, and nothing else. Pure."""
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

# Previews of messengers and search engines; those that pretend to be browsers do not send Sec-Fetch.
_ROBOT = re.compile(r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|telegram|headless|monitor|"
                    r"curl|wget|python|http-client|scrap", re.IGNORECASE)
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
LONGEST_UTM = 100


def is_click(method: str, headers: Mapping[str, str]) -> bool:
    """Whether this request is a top-level navigation that somebody made, from outside of our own pages.

    Not an image, frame or script (Sec-Fetch-Dest), not a prefetch, not a robot, not a link on our own site. A browser
    that does not say so (older than 2023, or without https) is led to the target but not counted: a click that
    cannot be told from a hidden frame is worth nothing.
    """
    if method != "GET" or _ROBOT.search(headers.get("User-Agent", "")) or not headers.get("User-Agent"):
        return False
    purpose = headers.get("Sec-Purpose", "") + headers.get("Purpose", "") + headers.get("X-Moz", "")
    if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose:
        return False
    return (headers.get("Sec-Fetch-Dest") == "document" and headers.get("Sec-Fetch-Mode") == "navigate"
            and headers.get("Sec-Fetch-Site") in ("none", "cross-site", "same-site"))


def utm_of(args: Mapping[str, str]) -> dict[str, str]:
    """The five UTM values of an address, at most 100 signs each, without control signs."""
    found = {name: "".join(sign for sign in args.get(name, "") if sign.isprintable())[:LONGEST_UTM] for name in UTM}
    return {name: value for name, value in found.items() if value}


def host_of(referrer: str | None) -> str:
    """Where a click came from: the host alone; the rest of an address is the visitor's business."""
    try:
        return (urlsplit(referrer or "").hostname or "")[:100]
    except ValueError:
        return ""

"""Where to go after signing in: a path of our own, never another's address."""
from urllib.parse import urlsplit

LONGEST = 2000


def local_path(wished: str | None, otherwise: str = "/") -> str:
    """`wished` if it is a path on this site with its query and fragment, else `otherwise`.

    Browsers read "//host", "/\\host" and paths with tabs or line breaks in them as other hosts.
    """
    if not wished or len(wished) > LONGEST or not wished.startswith("/") or wished[1:2] == "/":
        return otherwise
    if "\\" in wished or any(ord(sign) < 33 or ord(sign) == 127 for sign in wished):
        return otherwise
    try:
        parts = urlsplit(wished)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else wished

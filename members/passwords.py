"""Passwords: argon2id, computed beside the event loop, so that one sign-in does not stop a thousand sockets."""
import threading
from functools import lru_cache

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from gevent import monkey

from core.errors import Invalid

# OWASP's first choice for argon2id: 19 MiB, two passes, one lane; 45 ms on the machine this was measured on.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Four at a time bounds the memory at 76 MiB a process, whatever is thrown at the sign-in page.
_slots = threading.BoundedSemaphore(4)
SHORTEST, LONGEST = 8, 128
# What guessing programs try first, after the rules below: eight characters or more.
COMMON = frozenset((
    "password", "password1", "password12", "password123", "passw0rd", "p@ssw0rd", "12345678", "123456789",
    "1234567890", "87654321", "qwertyui", "qwertyuiop", "qwerty123", "1q2w3e4r", "1qaz2wsx", "iloveyou",
    "sunshine", "princess", "football", "baseball", "welcome1", "admin123", "abc12345", "abcd1234", "a1b2c3d4",
    "letmein1", "trustno1", "superman", "michelle", "whatever", "starwars", "computer", "internet", "monkey123",
    "dragon123", "changeme", "livestall", "5201314520", "woaini1314", "asdfghjk", "zxcvbnm1", "11223344",
    "12341234", "147258369", "123123123"))


def hash_password(password: str) -> str:
    """The argon2id hash to keep."""
    return _aside(_hasher.hash, password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the stored hash. Without one it works as long and says no, so that the time
    an answer takes does not tell whether an account exists."""
    return _aside(_verify, stored or _nobodys_hash(), password) and bool(stored)


def _verify(stored: str, password: str) -> bool:
    # Caught here, in the pool's thread: gevent prints what leaves it.
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):  # the second is for "!" and the like: nobody signs in with it
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(stored)


def refuse_weak(password: str, *others: str) -> None:
    """Raise Invalid for a password that is guessed at once. `others` are the e-mail and the name."""
    low = password.lower()
    parts = {part for other in others for part in (other.lower(), other.lower().split("@")[0]) if len(part) >= 4}
    if low in COMMON or len(set(low)) < 4 or low in parts:
        raise Invalid(fields={"password": [_("That password is one of the first to be guessed. Take another.")]})


def _aside(work, *args):
    """Run on gevent's thread pool when sockets are gevent's (argon2 lets go of the interpreter), here otherwise."""
    with _slots:
        if monkey.is_module_patched("socket"):
            return gevent.get_hub().threadpool.apply(work, args)
        return work(*args)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")

"""Stream keys for who sends and tokens for who watches: signed, for one show, for a time. Pure.

Neither is remembered anywhere: a key ends when its time is over or when the show's nonce changes.
"""
import hashlib
import hmac
import time

from core.config import derived

KEY_SECONDS = 7 * 24 * 3600  # a show is planned some days ahead, and OBS is set up once
TOKEN_SECONDS = 6 * 3600


def same(wanted: str, given: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(wanted.encode(), given.encode())


def sign(secret: str, *parts) -> str:
    return hmac.new(secret.encode(), ":".join(map(str, parts)).encode(), hashlib.sha256).hexdigest()


def publish_key(secret_key: str, live_id, nonce: str, until: int) -> str:
    """What a sender must show: <until>-<signature>."""
    return f"{until}-{sign(derived(secret_key, 'video ingest'), live_id, nonce, until)[:40]}"


def right_key(secret_key: str, live_id, nonce: str, until: int, given: str) -> bool:
    """Whether `given` is this show's key now and its time is not over."""
    wanted = publish_key(secret_key, live_id, nonce, until)
    return same(wanted, given) and until > time.time()


def watch_token(secret_key: str, live_id, scope: str, seconds: int = TOKEN_SECONDS) -> str:
    """A token for a show's playlists. scope: "public", or "private" for staff."""
    until = int(time.time()) + seconds
    return f"{until}-{sign(derived(secret_key, 'video watch'), live_id, scope, until)[:40]}"


def right_token(secret_key: str, live_id, scope: str, given: str) -> bool:
    until = given.split("-")[0]
    if not until.isdecimal() or len(until) > 12 or int(until) < time.time():
        return False
    wanted = f"{until}-{sign(derived(secret_key, 'video watch'), live_id, scope, until)[:40]}"
    return same(wanted, given)


def flv_secret(secret_key: str) -> str:
    """What the engine checks viewers of the fast path with."""
    return derived(secret_key, "video flv")


def flv_token(secret_key: str, live_id, scope: str, seconds: int = TOKEN_SECONDS) -> str:
    """A token for a show's fast picture. scope: "public": while it is on air; "private": always, for staff."""
    until = int(time.time()) + seconds
    return f"{until}-{sign(flv_secret(secret_key), live_id, scope, until)}"


def play_secret(secret_key: str) -> str:
    """With this the packager on this machine takes a stream out of the engine."""
    return derived(secret_key, "video packager")[:40]

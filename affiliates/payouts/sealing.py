"""Account numbers lie sealed in the database: whoever has a copy of it, but not the keys, reads none.

AES-256-GCM under keys made from PAYOUT_KEYS (from SECRET_KEY where there are none). The first seals, all of them open,
and which one sealed stands beside. A box is tied to its owner: moved to another party's row it does not open.
"""
import base64
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask_babel import lazy_gettext as _l

from core.config import derived
from core.errors import DomainError

NONCE_BYTES = 12  # random; a key seals far fewer than the 2^32 boxes at which chance would repeat one
_keys: dict[str, AESGCM] = {}  # name → key, the sealing one first


class Unreadable(DomainError):
    """The key that sealed an account is not there, or what lies there was changed."""
    code, status = "sealed", 503
    message = _l("We cannot read the account: the key that sealed it is missing (PAYOUT_KEYS).")


def init(config) -> None:
    """Take the keys from the settings."""
    _keys.clear()
    for secret in config.payout_keys or (config.secret_key,):
        key = bytes.fromhex(derived(secret, "payout accounts"))
        _keys[derived(secret, "payout accounts, name")[:8]] = AESGCM(key)


def current() -> str:
    """The name of the key that seals."""
    return next(iter(_keys))


def seal(details: dict, owner: str) -> dict:
    """What is written into the row."""
    name, nonce = current(), os.urandom(NONCE_BYTES)
    box = _keys[name].encrypt(nonce, json.dumps(details, sort_keys=True).encode(), owner.encode())
    return {"key": name, "box": base64.b64encode(nonce + box).decode()}


def unseal(written: dict, owner: str) -> dict:
    """The details in a row; one from before there were seals is read as it is. Raises Unreadable."""
    if "box" not in written:
        return dict(written)
    key, box = _keys.get(written.get("key")), base64.b64decode(written["box"])
    if key is None:
        raise Unreadable
    try:
        return json.loads(key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], owner.encode()))
    except InvalidTag as error:
        raise Unreadable from error

"""Short codes. Pure."""
import secrets

# Without 0 O 1 I l: a code is read aloud in a show and typed from a poster.
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 7  # 56^7 are 1.7 × 10^12: guessing finds nothing


def new_code() -> str:
    """A random code for a link."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def coupon_code(typed: str) -> str:
    """A coupon's code as it is kept, whatever way it was typed: "spring 10" is SPRING10."""
    return "".join(sign for sign in typed.upper() if sign.isalnum() or sign not in " -_.")

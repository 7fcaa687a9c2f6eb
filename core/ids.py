"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that rows made together lie together in an index."""
import os
import time
import uuid
from datetime import UTC, datetime


def new_id() -> uuid.UUID:
    """48 bits of Unix milliseconds, then version, variant and 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def made_at(identifier: uuid.UUID) -> datetime:
    """When new_id() gave this identifier, by the clock of the process that asked."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)

"""The log of who did what; written in the transaction of the deed, read by merchants and operators."""
import uuid

from sqlalchemy import select

from affiliates.people.models import Act


def note(db, kind: str, subject_id: uuid.UUID, *, by=None, merchant_id: uuid.UUID | None = None, words: str = "",
         **detail) -> None:
    """Write down a deed. `by` None: a rule did it. `words` is what the person said about it."""
    db.add(Act(kind=kind, subject_id=subject_id, by_member_id=by and by.id, merchant_id=merchant_id, note=words,
               detail=detail))


def acts(db, merchant_id: uuid.UUID | None, *, subject_id: uuid.UUID | None = None, before: uuid.UUID | None = None,
         limit: int = 50) -> list[Act]:
    """A merchant's (None: the platform's) deeds, newest first; `before` is the last id of the page before."""
    found = select(Act).where(Act.merchant_id == merchant_id if merchant_id else Act.merchant_id.is_(None))
    if subject_id:
        found = found.where(Act.subject_id == subject_id)
    if before:
        found = found.where(Act.id < before)
    return list(db.scalars(found.order_by(Act.id.desc()).limit(limit)))

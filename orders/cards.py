"""Saved cards: the provider keeps them, here is only how to name them."""
import uuid

from sqlalchemy import select, update

from core.clock import now
from core.errors import NotFound
from members.models import Member
from orders.errors import CardsElsewhere
from orders.payments import name_for
from orders.payments.models import SavedCard
from orders.payments.sandbox import CARDS


def add_test_card(db, member: Member, outcome: str) -> SavedCard:
    """Save a sandbox card and make it the default; a second of the same kind is the first. Raises CardsElsewhere."""
    if name_for(False) != "sandbox":
        raise CardsElsewhere
    # One member at a time, so that two windows do not make two defaults.
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    mine = (SavedCard.member_id == member.id, SavedCard.removed_at.is_(None))
    card = db.scalar(select(SavedCard).where(*mine, SavedCard.provider_ref == f"sandbox_{outcome}"))
    db.execute(update(SavedCard).where(*mine).values(is_default=False))
    if card is None:
        card = SavedCard(member_id=member.id, provider="sandbox", provider_ref=f"sandbox_{outcome}", brand="Sandbox",
                         last4=CARDS[outcome])
        db.add(card)
    card.is_default = True
    db.flush()
    return card


def access_card(db, card_id: uuid.UUID, member: Member) -> SavedCard:
    """A member's own card. Raises NotFound."""
    card = db.get(SavedCard, card_id)
    if card is None or card.member_id != member.id or card.removed_at is not None:
        raise NotFound
    return card


def remove(db, card: SavedCard) -> None:
    """Forget a card; the next one becomes the default."""
    card.removed_at, card.is_default = now(), False
    db.flush()
    following = db.scalar(select(SavedCard).where(SavedCard.member_id == card.member_id, SavedCard.removed_at.is_(None))
                          .order_by(SavedCard.id.desc()).limit(1))
    if following:
        following.is_default = True
        db.flush()

"""Saved cards: the provider keeps them, here is only how to name them."""
import uuid

from sqlalchemy import select, update

from core.clock import now
from core.errors import NotFound
from members.models import Member
from orders.errors import CardsElsewhere
from orders.payments import CardFacts, name_for
from orders.payments.models import SavedCard
from orders.payments.sandbox import CARDS


def add_test_card(db, member: Member, outcome: str) -> SavedCard:
    """Save a sandbox card and make it the default; a second of the same kind is the first. Raises CardsElsewhere.

    Rehearsal's simulated buyers always may: what they pay with is never real.
    """
    if name_for(rehearsal=member.simulated) != "sandbox":
        raise CardsElsewhere
    return keep(db, member.id, "sandbox", CardFacts(f"sandbox_{outcome}", "Sandbox", CARDS[outcome]))


def keep(db, member_id: uuid.UUID, provider: str, facts: CardFacts) -> SavedCard:
    """Remember a card that the provider keeps, as the default; one that is known already is not doubled."""
    # One member at a time, so that two windows do not make two defaults.
    db.execute(select(Member.id).where(Member.id == member_id).with_for_update(key_share=True))
    mine = (SavedCard.member_id == member_id, SavedCard.removed_at.is_(None))
    card = db.scalar(select(SavedCard).where(*mine, SavedCard.provider_ref == facts.ref))
    db.execute(update(SavedCard).where(*mine).values(is_default=False))
    if card is None:
        card = SavedCard(member_id=member_id, provider=provider, provider_ref=facts.ref, brand=facts.brand,
                         last4=facts.last4, fingerprint=facts.fingerprint)
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

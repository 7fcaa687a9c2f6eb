"""What a process must know of a show to let somebody through: read at most twice a second, not at each event."""
import threading
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from campaigns.stock.errors import UnknownOffer
from campaigns.terms.models import Campaign, Offer
from core.db import reading
from core.errors import NotFound, SignInNeeded
from live.chat.models import ChatSanction
from live.show.errors import Banned
from live.show.models import LiveSession
from members.access import may

# A ban also drops the member's sockets through the event log; this bounds what a request in flight can still do.
FACTS_SECONDS = 0.5


@dataclass(frozen=True)
class Facts:
    """A show as its doors see it."""
    id: uuid.UUID
    merchant_id: uuid.UUID
    campaign_id: uuid.UUID
    host_id: uuid.UUID
    state: str
    public: bool  # its campaign is published
    slow_seconds: int
    blocked_words: tuple[str, ...]
    offers: frozenset[uuid.UUID]
    muted: frozenset[uuid.UUID]
    banned: frozenset[uuid.UUID]

    @property
    def rehearsal(self) -> bool:
        return self.state == "rehearsal"


_kept: dict[uuid.UUID, tuple[float, Facts]] = {}
_lock = threading.Lock()


def facts(live_id: uuid.UUID) -> Facts:
    """Raises NotFound."""
    kept = _kept.get(live_id)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    with _lock:
        kept = _kept.get(live_id)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        with reading() as db:
            found = read_facts(db, live_id)
        if len(_kept) > 1000:
            _kept.clear()
        _kept[live_id] = (time.monotonic() + FACTS_SECONDS, found)
        return found


def read_facts(db, live_id: uuid.UUID) -> Facts:
    offers = select(func.array_agg(Offer.id)).where(Offer.campaign_id == LiveSession.campaign_id).scalar_subquery()
    row = db.execute(select(LiveSession, Campaign.state.label("terms"), offers.label("offers"))
                     .join(Campaign, Campaign.id == LiveSession.campaign_id).where(LiveSession.id == live_id)).first()
    if row is None:
        raise NotFound
    show = row.LiveSession
    sanctions = db.execute(select(ChatSanction.kind, ChatSanction.member_id).where(
        ChatSanction.merchant_id == show.merchant_id, ChatSanction.lifted_at.is_(None),
        or_(ChatSanction.live_session_id.is_(None), ChatSanction.live_session_id == live_id))).all()
    return Facts(
        id=show.id, merchant_id=show.merchant_id, campaign_id=show.campaign_id, host_id=show.host_id, state=show.state,
        public=row.terms != "draft", slow_seconds=show.slow_seconds,
        blocked_words=tuple(show.blocked_words or ()), offers=frozenset(row.offers or ()),
        muted=frozenset(member for kind, member in sanctions if kind == "mute"),
        banned=frozenset(member for kind, member in sanctions if kind == "ban"))


def forget(live_id: uuid.UUID) -> None:
    """The show was changed by this process."""
    _kept.pop(live_id, None)


def enter(live_id: uuid.UUID, member) -> Facts:
    """The show's facts if the member (None: nobody signed in) may be in it. Raises NotFound, Banned."""
    found = facts(live_id)
    if not found.public and not may(member, "shows", found.merchant_id):
        raise NotFound
    if member is not None and member.id in found.banned:
        raise Banned
    return found


def enter_signed_in(live_id: uuid.UUID, member) -> Facts:
    """As enter; raises SignInNeeded."""
    if member is None:
        raise SignInNeeded
    return enter(live_id, member)


def sees_rehearsal(found: Facts, member) -> bool:
    """Whether the member takes part in the show's rehearsal."""
    return found.rehearsal and may(member, "shows", found.merchant_id)


def offer_in(found: Facts, offer_id: uuid.UUID) -> uuid.UUID:
    """Raises UnknownOffer for an offer of another campaign."""
    if offer_id not in found.offers:
        raise UnknownOffer
    return offer_id

"""What the show does by the clock: flash sales close, people are reminded."""
from contextlib import nullcontext
from datetime import timedelta

from flask import has_app_context
from flask_babel import gettext as _
from sqlalchemy import func, select, text

from campaigns.terms.models import Campaign, Offer
from core.db import reading, transaction
from core.ticks import every
from live.show import tell
from live.show.control import lock_show
from live.show.models import FlashSale, LiveSession, Reminder
from live.show.selling import end_sale, running
from members.actions import speaking_to, write_mail
from members.models import Member, Merchant

SOON = timedelta(minutes=10)
# A reminder that could not be written while the show was young is not sent half an hour later.
LATE = timedelta(minutes=30)
LETTERS_AT_ONCE = 200
_app = None


def init_app(app) -> None:
    global _app
    _app = app


def app_context():
    """Ticks run in threads of their own, without the application; sentences and addresses need it."""
    return nullcontext() if has_app_context() or _app is None else _app.app_context()


@every(0.5)
def close_due_sales() -> None:
    """End flash sales whose time is over, each in its own transaction."""
    with reading() as db:
        due = db.execute(select(FlashSale.live_session_id, FlashSale.stock_id).where(
            FlashSale.ended_at.is_(None), FlashSale.closes_at <= func.clock_timestamp())).all()
    for live_id, stock_id in due:
        with transaction() as db:
            close_if_due(db, live_id, stock_id)


def close_if_due(db, live_id, stock_id) -> bool:
    """The show is locked first, as control actions do; then it is looked again, for it may have been extended."""
    show = lock_show(db, live_id)
    sale = running(db, stock_id)
    if sale is None or sale.closes_at > tell.database_now(db):
        return False
    end_sale(db, sale, db.get(Offer, sale.offer_id), db.get(Campaign, show.campaign_id))
    tell.desk_changed(db, show)
    return True


# -- reminders -------------------------------------------------------------------------------------------------------

@every(10)
def remind() -> None:
    """Letters "in 10 minutes" and "it starts", once each, as many as there are in steps of 200."""
    with app_context():
        _enrol_followers()
        for kind in (_soon, _started):
            while kind() == LETTERS_AT_ONCE:
                continue


def _enrol_followers() -> None:
    """Who follows a shop is reminded of its shows like who asked for it."""
    with transaction() as db:
        db.execute(text("""
            INSERT INTO reminders (live_session_id, member_id)
            SELECT s.id, f.member_id FROM live_sessions s JOIN follows f USING (merchant_id)
            WHERE s.state IN ('scheduled', 'rehearsal')
               AND s.starts_at BETWEEN now() AND now() + make_interval(secs => :soon)
               OR s.state = 'live' AND s.started_at > now() - interval '1 minute'
            ON CONFLICT DO NOTHING"""), {"soon": SOON.total_seconds()})


def _soon() -> int:
    now = func.clock_timestamp()
    with transaction() as db:
        due = _due(db, Reminder.soon_at, LiveSession.state.in_(("scheduled", "rehearsal")),
                   LiveSession.starts_at.between(now, now + SOON))
        for reminder, member, show, shop in due:
            with speaking_to(member):
                _letter(db, "soon", member, show, _("%(title)s starts in 10 minutes", title=show.title),
                        _("%(shop)s goes on air in 10 minutes: %(title)s\n\nWatch here: %(url)s",
                          shop=shop, title=show.title, url=address(show)))
            reminder.soon_at = now
        return len(due)


def _started() -> int:
    now = func.clock_timestamp()
    with transaction() as db:
        due = _due(db, Reminder.sent_at, LiveSession.state.in_(("live", "paused")), LiveSession.started_at > now - LATE)
        for reminder, member, show, shop in due:
            with speaking_to(member):
                _letter(db, "start", member, show, _("%(title)s is on air", title=show.title),
                        _("%(shop)s is on air now: %(title)s\n\nWatch here: %(url)s",
                          shop=shop, title=show.title, url=address(show)))
            reminder.sent_at = now
        return len(due)


def _due(db, column, *where) -> list:
    return db.execute(
        select(Reminder, Member, LiveSession, Merchant.name)
        .join(LiveSession, LiveSession.id == Reminder.live_session_id).join(Member, Member.id == Reminder.member_id)
        .join(Merchant, Merchant.id == LiveSession.merchant_id)
        .where(column.is_(None), Member.disabled_at.is_(None), *where).order_by(Reminder.member_id)
        .limit(LETTERS_AT_ONCE).with_for_update(of=Reminder, skip_locked=True)).all()


def _letter(db, kind: str, member, show, subject: str, body: str) -> None:
    # The start is part of the key: a show that is moved reminds again.
    write_mail(db, key=f"show-{kind}:{show.id}:{member.id}:{show.starts_at:%Y%m%d%H%M}", member=member, subject=subject,
               body=body)


def address(show) -> str:
    """Where the show is watched."""
    return f"{_app.config['LIVESTALL'].base_url if _app else ''}/live/{show.id}"



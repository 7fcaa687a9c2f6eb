"""The demo's affiliates: two people, their rules, links and a code; what last week's buyers earned them, and who came
over their links tonight. Last week's orders are reckoned as their moments would have done it, at the times they had,
and what of them is payable by now is settled once, so that nobody's pages are empty."""
import random
import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from affiliates import hooks
from affiliates.commission import actions as commission
from affiliates.commission.models import CommissionRule
from affiliates.links import actions as links
from affiliates.links.models import Click, TrackingLink
from affiliates.people import actions as people
from affiliates.people.queries import access_affiliation
from affiliates.settlement import actions as settlement
from campaigns.catalogue.models import Variant
from campaigns.terms.models import Campaign
from core import clock
from demo import accounts
from live.show.models import LiveSession
from members.models import Member, Merchant
from orders.models import Order, Refund
from orders.payments.models import Payment

# Long before the first sale: what was published then holds.
PUBLISHED = timedelta(days=60)
# Of 100 buyers of last week, how many came over whose link.
CAME = ((accounts.AFFILIATES[0], 45), (accounts.AFFILIATES[1], 25))
CODE = "AIKO10"
# Of last week's campaign these are payable soon after delivery; the rest waits for its usual days.
SOON = ("22834", "22112")
# Of the orders that somebody brought, in these the link was opened just before the units were claimed.
LATE = (5, 11)


def plant(db, shop: Merchant, who: dict[str, Member], last_week: str, tonight: str) -> str:
    """Both, with all that they need; a few words on what is there."""
    ana = who[accounts.STAFF]
    people.set_program(db, shop, ana, approval="paid_orders", min_paid_orders=1)
    made = []
    for email in accounts.AFFILIATES:
        one = people.apply(db, who[email], about="Shows kitchens on video.")
        people.apply_at(db, one, shop)
        people.decide_affiliation(db, access_affiliation(db, shop.id, one.id), "active", ana, "Good videos.")
        made.append(one)
    people.join_team(db, made[1], made[0], who[accounts.AFFILIATES[1]])
    people.set_tier(db, access_affiliation(db, shop.id, made[0].id), "gold", ana)
    _asks(db, shop)
    shows = {title: db.scalars(select(LiveSession).where(LiveSession.title == title)).one()
             for title in (last_week, tonight)}
    _rules(db, shop, ana, *shows.values())
    for show in shows.values():
        for one in made:
            links.make_link(db, one, live_session_id=show.id, label="video")
    links.make_coupon(db, made[0].id, shop.id, CODE, ana, percent_ppm=100_000)
    commission.set_budget(db, db.get(Campaign, shows[tonight].campaign_id), 250_00, ana)
    commission.add_bonus(db, db.get(Campaign, shows[tonight].campaign_id), ana, measure="units", threshold=50,
                         amount_minor=20_00)
    earned = _last_week(db, shows[last_week])
    _settle(db, shows[last_week].campaign_id, ana)
    _tonight(db, shows[tonight], [who[accounts.VIEWERS[0]]])
    return f"{len(made)} affiliates with {earned} orders"


def _asks(db, shop: Merchant) -> None:
    """Somebody who has not bought yet, so that the rule leaves the answer to a person."""
    bought = select(Order.member_id).where(Order.paid_at.is_not(None))
    guest = db.scalars(select(Member).where(Member.email.like(f"guest%@{accounts.DOMAIN}"), Member.id.not_in(bought))
                       .order_by(Member.email).limit(1)).first()
    if guest:
        people.apply_at(db, people.apply(db, guest, about="Bakes bread on video."), shop)


def _rules(db, shop: Merchant, ana: Member, past: LiveSession, now: LiveSession) -> None:
    since, team = Range(clock.now() - PUBLISHED, None), {"level2_ppm": 10_000}
    goods = db.scalars(select(Variant.product_id).where(Variant.merchant_id == shop.id, Variant.sku.in_(SOON))).all()
    soon = [({"product_id": one, "campaign_id": past.campaign_id}, 90_000, {**team, "hold_days": 3}) for one in goods]
    for scope, rate, more in (({}, 80_000, team), ({"tier": "gold"}, 100_000, {}),
                              ({"category": "Kitchen and table"}, 120_000, team), *soon,
                              # Tonight's is payable on delivery: who plays the story need not wait for two weeks.
                              ({"campaign_id": now.campaign_id}, 100_000, {**team, "hold_days": 0})):
        db.add(CommissionRule(merchant_id=shop.id, version=1, rate_ppm=rate, valid=since, published_by=ana.id,
                              **scope, **more))
    commission.set_hold_days(db, shop.id, "Kitchen and table", 21, ana)
    db.flush()


def _last_week(db, show: LiveSession) -> int:
    """Clicks before the orders of that show, and what they earned; how many orders."""
    dice, earned = random.Random(20101202), 0
    found = {link.affiliate_id: link for link in db.scalars(select(TrackingLink).where(
        TrackingLink.live_session_id == show.id).order_by(TrackingLink.id))}
    ordered = list(found.values())
    for order in db.scalars(select(Order).where(Order.live_session_id == show.id, ~Order.rehearsal)
                            .order_by(Order.created_at)):
        toss = dice.randrange(100)
        link = ordered[0] if toss < CAME[0][1] else ordered[1] if toss < CAME[0][1] + CAME[1][1] else None
        if link:
            before = timedelta(minutes=dice.randint(2, 40))
            # An order is made 8 s after its claim (evening.py), so this is 2 s before that.
            _came(db, link, order.member_id, order.created_at - (timedelta(seconds=10) if earned in LATE else before))
            _moments(db, order)
            earned += 1
    return earned


def _came(db, link: TrackingLink, member_id, at: datetime) -> None:
    db.add(Click(link_id=link.id, visitor=uuid.uuid4(), member_id=member_id, created_at=at, referrer="video.test",
                 utm={"utm_source": "video"}))
    db.flush()


def _moments(db, order: Order) -> None:
    hooks.placed(db, order)
    payment = db.scalar(select(Payment).where(Payment.order_id == order.id, Payment.state == "succeeded"))
    if payment is None:
        return
    hooks.paid(db, order, payment)
    for refund in db.scalars(select(Refund).where(Refund.order_id == order.id, Refund.payment_id == payment.id)):
        hooks.refunded(db, order, refund)
    if order.delivered_at:
        hooks.delivered(db, order)


def _settle(db, campaign_id, ana: Member) -> None:
    """What a worker does, in one go."""
    run, _fresh = settlement.open_run(db, campaign_id, by=ana)
    while settlement.settle_next(db, run.id):
        pass
    settlement.finish(db, run.id)
    settlement.audit_run(db, run.id)


def _tonight(db, show: LiveSession, viewers: list[Member]) -> None:
    """Who is watching now came over a link: what they buy shows on the affiliate's page."""
    link = db.scalars(select(TrackingLink).where(TrackingLink.live_session_id == show.id)
                      .order_by(TrackingLink.id)).first()
    guests = db.scalars(select(Member).where(Member.email.like(f"guest%@{accounts.DOMAIN}")))
    for place, member in enumerate([*viewers, *guests]):
        _came(db, link, member.id, clock.now() - timedelta(minutes=1 + place))

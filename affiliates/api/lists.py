"""What the pages of the API are cut from: statements with their filters; core.api.page adds order, cursor and limit."""
from sqlalchemy import BigInteger, Select, cast, exists, func, literal, select, union_all

from affiliates.appeals.models import Appeal
from affiliates.attribution.models import AttributionPolicy
from affiliates.commission.models import Bonus, Commission, CommissionHold, CommissionRule
from affiliates.links.models import Coupon, TrackingLink
from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt, PayoutBatch, PayoutExclusion, Reconciliation
from affiliates.people.models import Act, Affiliate, Affiliation, Invitation
from affiliates.settlement.models import SettlementAdjustment, SettlementItem, SettlementRun
from campaigns.terms.models import Campaign
from core.errors import NotFound
from members.models import Member
from orders.models import Order, OrderLine

LINK_KEY, COMMISSION_KEY, APPEAL_KEY, RULE_KEY = TrackingLink.id, Commission.id, Appeal.id, CommissionRule.id
AFFILIATE_KEY, INVITATION_KEY, ACT_KEY, COUPON_KEY = Affiliate.id, Invitation.id, Act.id, Coupon.id
POLICY_KEY, BONUS_KEY = AttributionPolicy.id, Bonus.id
HOLD_KEY, RUN_KEY, CAMPAIGN_KEY = CommissionHold.id, SettlementRun.id, Campaign.id
BATCH_KEY, PAYOUT_KEY, LEFT_OUT_KEY = PayoutBatch.number, Payout.id, PayoutExclusion.owner
ACCOUNT_KEY, RECONCILIATION_KEY = PayoutAccount.id, Reconciliation.id


def links(affiliate_id) -> Select:
    return select(TrackingLink).where(TrackingLink.affiliate_id == affiliate_id)


# Of a commission: settled is a row of settlement_items; reversed comes before it, as in commission/tell.py.
_SETTLED = exists().where(SettlementItem.affiliate_id == Commission.affiliate_id,
                          SettlementItem.commission_id == Commission.id).correlate(Commission)
_GONE = (Commission.amount_minor > 0) & (Commission.reversed_minor == Commission.amount_minor)
_RIPE = func.coalesce(Commission.matures_at <= func.now(), False)
_STATES = {"reversed": (_GONE,), "settled": (~_GONE, _SETTLED), "held": (~_GONE, ~_SETTLED, Commission.held),
           "mature": (~_GONE, ~_SETTLED, ~Commission.held, _RIPE),
           "pending": (~_GONE, ~_SETTLED, ~Commission.held, ~_RIPE)}


def commissions(affiliate_id, given: dict) -> Select:
    """Rows of (commission, order number, title, whether it is settled)."""
    found = (select(Commission, Order.number, OrderLine.title, _SETTLED).join(Order, Order.id == Commission.order_id)
             .join(OrderLine, OrderLine.id == Commission.order_line_id).where(Commission.affiliate_id == affiliate_id))
    if "state" in given:
        found = found.where(*_STATES[given["state"]])
    if "since" in given:
        found = found.where(Commission.created_at >= given["since"])
    if "until" in given:
        found = found.where(Commission.created_at < given["until"])
    for name in ("campaign_id", "currency"):
        if name in given:
            found = found.where(getattr(Commission, name) == given[name])
    return found


def appeals(**whose) -> Select:
    return select(Appeal).filter_by(**whose)


def is_answered(wanted: bool):
    return Appeal.answered_at.is_not(None) if wanted else Appeal.answered_at.is_(None)


# -- Of a shop

def campaigns(merchant_id, given: dict) -> Select:
    found = select(Campaign).where(Campaign.merchant_id == merchant_id)
    return found.where(Campaign.state == given["state"]) if "state" in given else found


def people(merchant_id, given: dict) -> Select:
    """Rows of (affiliation, affiliate)."""
    found = (select(Affiliation, Affiliate).join(Affiliate, Affiliate.id == Affiliation.affiliate_id)
             .where(Affiliation.merchant_id == merchant_id))
    return found.where(Affiliation.state == given["state"]) if "state" in given else found


def invitations(merchant_id) -> Select:
    return select(Invitation).where(Invitation.merchant_id == merchant_id)


def coupons(merchant_id) -> Select:
    return select(Coupon).where(Coupon.merchant_id == merchant_id)


def acts(merchant_id, given: dict) -> Select:
    """Rows of (deed, name of who did it): a shop's, or (without one) the platform's."""
    found = select(Act, Member.name).outerjoin(Member, Member.id == Act.by_member_id).where(
        Act.merchant_id == merchant_id if merchant_id else Act.merchant_id.is_(None))
    if "kind" in given:
        found = found.where((Act.kind == given["kind"]) | Act.kind.startswith(f"{given['kind']}.", autoescape=True))
    return found.where(Act.subject_id == given["subject_id"]) if "subject_id" in given else found


def rules(merchant_id, past: bool) -> Select:
    found = select(CommissionRule).where(CommissionRule.merchant_id == merchant_id)
    ends = func.upper(CommissionRule.valid)
    return found if past else found.where((ends > func.now()) | ends.is_(None))


def access_rule(db, rule_id, merchant_id) -> CommissionRule:
    """A rule of this shop. Raises NotFound for another's."""
    return _own(db.get(CommissionRule, rule_id), merchant_id)


def access_line(db, commission_id, merchant_id) -> Commission:
    """A commission that this shop pays. Raises NotFound for another's."""
    return _own(db.get(Commission, commission_id), merchant_id)


def _own(found, merchant_id):
    if found is None or found.merchant_id != merchant_id:
        raise NotFound
    return found


def policies(merchant_id) -> Select:
    return select(AttributionPolicy).where(AttributionPolicy.merchant_id == merchant_id)


def bonuses(campaign_id) -> Select:
    return select(Bonus).where(Bonus.campaign_id == campaign_id)


def _holds() -> Select:
    return (select(CommissionHold, Commission, Affiliate.display_name, Order.number)
            .join(Commission, Commission.id == CommissionHold.commission_id)
            .join(Affiliate, Affiliate.id == Commission.affiliate_id).join(Order, Order.id == Commission.order_id))


def holds(merchant_id, decided: bool) -> Select:
    """Rows of (hold, commission, affiliate's name, order number)."""
    return _holds().where(Commission.merchant_id == merchant_id,
                          CommissionHold.decided_at.is_not(None) if decided else CommissionHold.decided_at.is_(None))


def hold(db, one: CommissionHold) -> tuple:
    """One row as of `holds`."""
    return tuple(db.execute(_holds().where(CommissionHold.id == one.id)).one())


# -- Settlements

def runs(**whose) -> Select:
    """Of a campaign, a shop, or all."""
    return select(SettlementRun).filter_by(**whose)


def parties(run_id) -> Select:
    """Rows of (affiliate, name, items, adjustments, minor units): who got how much in a run."""
    taken = union_all(
        select(SettlementItem.affiliate_id, literal(1).label("items"), literal(0).label("adjustments"),
               SettlementItem.amount_minor).where(SettlementItem.run_id == run_id),
        select(SettlementAdjustment.affiliate_id, literal(0), literal(1), SettlementAdjustment.amount_minor)
        .where(SettlementAdjustment.run_id == run_id)).subquery()
    return (select(Affiliate.id.label("affiliate_id"), Affiliate.display_name,
                   cast(func.sum(taken.c["items"]), BigInteger), cast(func.sum(taken.c.adjustments), BigInteger),
                   cast(func.sum(taken.c.amount_minor), BigInteger))
            .join(taken, taken.c.affiliate_id == Affiliate.id).group_by(Affiliate.id))


# -- The platform's

def everybody(given: dict) -> Select:
    """Rows of (affiliate, member)."""
    found = select(Affiliate, Member).join(Member, Member.id == Affiliate.member_id)
    return found.where(Affiliate.state == given["state"]) if "state" in given else found


def batches() -> Select:
    return select(PayoutBatch)


def payouts(given: dict) -> Select:
    """Rows of (payout, its account, its running attempt or None before it is approved)."""
    found = (select(Payout, PayoutAccount, PayoutAttempt).join(PayoutAccount, PayoutAccount.id == Payout.account_id)
             .outerjoin(PayoutAttempt, (PayoutAttempt.payout_id == Payout.id) & (PayoutAttempt.n == Payout.attempt)))
    for name in ("batch_id", "state", "owner"):
        if name in given:
            found = found.where(getattr(Payout, name) == given[name])
    return found


def payouts_of(owner: str) -> Select:
    """A party's own, as it may see them."""
    return select(Payout).where(Payout.owner == owner, Payout.state.not_in(("draft", "dropped")))


def left_out(batch_id) -> Select:
    return select(PayoutExclusion).where(PayoutExclusion.batch_id == batch_id)


def accounts(verified: bool) -> Select:
    seen = PayoutAccount.verified_at.is_not(None) if verified else PayoutAccount.verified_at.is_(None)
    return select(PayoutAccount).where(PayoutAccount.replaced_at.is_(None), seen)


def reconciliations() -> Select:
    return select(Reconciliation)

"""Publishing rules: a raise holds at once, a cut after its notice, nothing in the past is touched."""
import uuid
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import Range

from affiliates.commission.models import CommissionRule, HoldPeriod
from affiliates.commission.rules import SCOPES, Draft, covers, is_cut, rank
from affiliates.people import acts
from affiliates.people.queries import cut_may_hold, terms_of
from campaigns.catalogue.models import Product
from campaigns.terms.models import Campaign
from core.clock import now
from core.errors import DomainError, Invalid, NotFound
from members.models import Member, Merchant


def rules_at(db, merchant_id: uuid.UUID, at: datetime | None = None) -> list[CommissionRule]:
    """A merchant's rules that hold at a moment (now) or later, the widest first."""
    at = at or now()
    found = db.scalars(select(CommissionRule).where(
        CommissionRule.merchant_id == merchant_id, (func.upper(CommissionRule.valid) > at)
        | func.upper(CommissionRule.valid).is_(None)).order_by(CommissionRule.id))
    return sorted(found, key=lambda rule: (rank(rule), rule.valid.lower))


def holds_from(db, merchant: Merchant, draft: Draft, at: datetime) -> tuple[datetime, CommissionRule | None]:
    """(when a draft would begin to hold, the rule it is a cut of if it is one).

    It is compared with the rule that its sales earn by now: of those that cover them, the narrowest. A campaign that
    is still a draft was promised to nobody: there, all terms begin at once."""
    campaign = db.get(Campaign, draft.campaign_id) if draft.campaign_id else None
    if campaign is not None and campaign.state == "draft":
        return at, None
    holding = [rule for rule in rules_at(db, merchant.id, at) if rule.valid.lower <= at and covers(rule, draft)]
    terms = terms_of(db, merchant.id)
    usual = db.get(HoldPeriod, (merchant.id, draft.category)) if draft.category else None
    if holding and is_cut(draft, holding[-1], usual.days if usual else terms.hold_days):
        return cut_may_hold(db, merchant.id, at), holding[-1]
    return at, None


def publish(db, merchant: Merchant, draft: Draft, by: Member, note: str = "") -> CommissionRule:
    """Make a draft the rule of its scope, at once or after the notice; the rule before it ends there.

    Raises Invalid (a rate out of bounds, two kinds of rate, another currency), NotFound (another's campaign or
    product). Publishing waits for who publishes at the same merchant."""
    check(db, merchant, draft)
    db.execute(select(Merchant.id).where(Merchant.id == merchant.id).with_for_update(key_share=True))
    at = db.scalar(select(func.clock_timestamp()))
    start, cut_of = holds_from(db, merchant, draft, at)
    version = _end_before(db, merchant.id, draft, start)
    row = CommissionRule(merchant_id=merchant.id, version=version, valid=Range(start, None), published_by=by.id,
                         note=note, currency=_currency(merchant, draft),
                         **{name: getattr(draft, name) for name in (
                             *SCOPES, "rate_ppm", "flat_minor", "level2_ppm", "cap_minor", "hold_days")})
    db.add(row)
    db.flush()
    acts.note(db, "rule.published", row.id, by=by, merchant_id=merchant.id, words=note, version=version,
              holds_from=start.isoformat(), cut_of=cut_of and str(cut_of.id))
    return row


def end_rule(db, rule: CommissionRule, by: Member, note: str = "") -> datetime:
    """A rule stops after its notice (one that has not begun: before it begins); when it does. Raises Invalid."""
    at = db.scalar(select(func.clock_timestamp()))
    if rule.valid.upper is not None:
        raise Invalid(_("This rule has an end already."))
    if rule.valid.lower > at:
        raise Invalid(_("A published rule begins as announced. Publish another one for afterwards."))
    end = cut_may_hold(db, rule.merchant_id, at)
    _close(db, rule, end)
    acts.note(db, "rule.ended", rule.id, by=by, merchant_id=rule.merchant_id, words=note, ends_at=end.isoformat())
    return end


def _end_before(db, merchant_id, draft: Draft, start: datetime) -> int:
    """End what holds in this very scope at `start`; the version that comes next."""
    mine = _same_scope(merchant_id, draft)
    for rule in running(db, merchant_id, draft, start):
        if rule.valid.lower >= start:
            # A cut was announced and has not begun: what is published after it cannot take its place.
            raise AnotherComing(at=rule.valid.lower.isoformat())
        _close(db, rule, start)
    return 1 + db.scalar(select(func.coalesce(func.max(CommissionRule.version), 0)).where(*mine))


def _same_scope(merchant_id: uuid.UUID, draft: Draft) -> list:
    return [CommissionRule.merchant_id == merchant_id,
            *(getattr(CommissionRule, scope).is_not_distinct_from(getattr(draft, scope)) for scope in SCOPES)]


def running(db, merchant_id: uuid.UUID, draft: Draft, at: datetime) -> list[CommissionRule]:
    """The rules of a draft's very scope that hold at a moment or later, in their order."""
    return list(db.scalars(select(CommissionRule).where(
        *_same_scope(merchant_id, draft), (func.upper(CommissionRule.valid) > at)
        | func.upper(CommissionRule.valid).is_(None)).order_by(func.lower(CommissionRule.valid))))


class AnotherComing(DomainError):
    """`at` says when."""
    code = "another_coming"

    def __init__(self, **extra):
        super().__init__(_("Another change of this rule is announced. Wait until it holds."), **extra)


def _close(db, rule: CommissionRule, end: datetime) -> None:
    db.execute(update(CommissionRule).where(CommissionRule.id == rule.id)
               .values(valid=Range(rule.valid.lower, end)).execution_options(synchronize_session=False))
    db.expire(rule)


def _currency(merchant: Merchant, draft: Draft) -> str | None:
    if draft.flat_minor is None and draft.cap_minor is None:
        return None
    return draft.currency or merchant.currency


def check(db, merchant: Merchant, draft: Draft) -> None:
    """Raises Invalid (terms that cannot be), NotFound (another's campaign or product)."""
    wrong = {}
    if (draft.rate_ppm is None) == (draft.flat_minor is None):
        wrong["rate"] = [_("Give a rate or a sum for each unit, not both.")]
    if draft.rate_ppm is not None and not 0 <= draft.rate_ppm <= 1_000_000:
        wrong["rate"] = [_("From %(low)s to %(high)s.", low="0 %", high="100 %")]
    if not 0 <= draft.level2_ppm <= 1_000_000 - (draft.rate_ppm or 0):
        wrong["level2"] = [_("Together with the rate it can be 100 % at most.")]
    for name, value, most in (("flat", draft.flat_minor, None), ("cap", draft.cap_minor, None),
                              ("hold_days", draft.hold_days, 365)):
        if value is not None and (value < 0 or most is not None and value > most):
            wrong[name] = [_("At least %(low)s.", low=0)] if most is None else [
                _("From %(low)s to %(high)s.", low=0, high=most)]
    if wrong:
        raise Invalid(fields=wrong)
    for model, id_ in ((Campaign, draft.campaign_id), (Product, draft.product_id)):
        if id_ and db.scalar(select(model.merchant_id).where(model.id == id_)) != merchant.id:
            raise NotFound

"""What the shop's part of the API takes and gives: people, rules, holds, budgets."""
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate, validates_schema

from affiliates.api.schemas import AppealOut, one_of
from affiliates.api.spec import Moment, Out, minor, ppm, words
from affiliates.attribution.models import SOURCES
from affiliates.commission.models import MEASURES
from affiliates.people.models import AFFILIATE_STATES, APPROVALS
from campaigns.terms.models import CAMPAIGN_STATES
from core.api import PageIn
from core.web import In


def tier(**more):
    return fields.String(validate=validate.Regexp(r"^[a-z0-9_-]{1,30}\Z", error=_l("Small letters, digits, - and _.")),
                         **more)


def days(low=0, high=365, **more):
    return fields.Integer(strict=True, validate=validate.Range(low, high), **more)


# -- The shop and its people

class ProgramOut(Out):
    approval = one_of(APPROVALS)
    min_paid_orders = fields.Integer()
    notice_days = fields.Integer()
    hold_days = fields.Integer()


class ShopOut(Out):
    """The key's shop and its terms for affiliates."""
    id = fields.UUID()
    name = fields.String()
    currency = fields.String()
    program = fields.Nested(ProgramOut)


class ProgramIn(In):
    approval = one_of(APPROVALS, required=True)
    min_paid_orders = days(0, 1000, load_default=1)
    notice_days = days(load_default=14)
    hold_days = days(load_default=15)


class HoldDaysIn(In):
    category = words(200, required=True)
    days = days(required=True)


class HoldDaysOut(Out):
    category = fields.String()
    days = fields.Integer()


class CampaignsIn(PageIn):
    state = one_of(CAMPAIGN_STATES)


class CampaignOut(Out):
    id = fields.UUID()
    name = fields.String()
    currency = fields.String()
    state = one_of(CAMPAIGN_STATES)


class PeopleIn(PageIn):
    state = one_of(AFFILIATE_STATES)


class PersonOut(Out):
    """An affiliate as the shop knows them."""
    id = fields.UUID()
    display_name = fields.String()
    about = fields.String()
    platform_state = one_of(AFFILIATE_STATES)
    state = one_of(AFFILIATE_STATES)
    tier = fields.String()
    reason = fields.String()
    created_at = Moment()
    state_at = Moment()


class DecisionIn(In):
    to = one_of(("active", "frozen", "closed"), required=True)
    note = words(1000, load_default="")


class TierIn(In):
    tier = tier(required=True)


class InviteIn(In):
    email = fields.Email(required=True, validate=validate.Length(max=254))
    tier = tier(load_default="standard")


class InvitationOut(Out):
    id = fields.UUID()
    email = fields.String()
    tier = fields.String()
    created_at = Moment()
    expires_at = Moment()
    accepted_at = Moment(allow_none=True)


class CouponIn(In):
    affiliate_id = fields.UUID(required=True)
    code = words(24, required=True)
    campaign_id = fields.UUID(load_default=None, allow_none=True)
    percent_ppm = fields.Integer(strict=True, load_default=None, allow_none=True,
                                 validate=validate.Range(1, 900_000))
    amount_minor = minor(1, load_default=None, allow_none=True)
    ends_at = Moment(load_default=None, allow_none=True)

    @validates_schema
    def has_one_discount(self, data, **_more):
        if data.get("percent_ppm") and data.get("amount_minor"):
            raise ValidationError(_l("Give a rate or an amount, not both."), "amount_minor")


class CouponOut(Out):
    id = fields.UUID()
    code = fields.String()
    affiliate_id = fields.UUID()
    campaign_id = fields.UUID(allow_none=True)
    percent_ppm = fields.Integer(allow_none=True)
    amount_minor = fields.Integer(allow_none=True)
    currency = fields.String(allow_none=True)
    ends_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    created_at = Moment()


class ActOut(Out):
    """Who did what; `by_member_id` is null where a rule did it."""
    id = fields.UUID()
    kind = fields.String()
    subject_id = fields.UUID()
    by_member_id = fields.UUID(allow_none=True)
    by_name = fields.String(allow_none=True)
    note = fields.String()
    detail = fields.Dict(keys=fields.String())
    created_at = Moment()


class LogIn(PageIn):
    kind = fields.String(validate=validate.Length(1, 60), metadata={"description": "“rule.published”, or “rule”."})
    subject_id = fields.UUID()


# -- Rules

class DraftIn(In):
    """A rule: a rate or a sum for each unit; what it is not narrowed to, it is for all of."""
    rate_ppm = ppm(load_default=None, allow_none=True)
    flat_minor = minor(load_default=None, allow_none=True)
    level2_ppm = ppm(load_default=0)
    cap_minor = minor(load_default=None, allow_none=True)
    hold_days = days(load_default=None, allow_none=True)
    campaign_id = fields.UUID(load_default=None, allow_none=True)
    product_id = fields.UUID(load_default=None, allow_none=True)
    category = words(200, load_default=None, allow_none=True)
    tier = tier(load_default=None, allow_none=True)


class RuleIn(DraftIn):
    note = words(1000, load_default="")


class RulesIn(PageIn):
    past = fields.Boolean(load_default=False, metadata={"description": "Those that have ended too."})


class RuleOut(Out):
    id = fields.UUID()
    version = fields.Integer()
    campaign_id = fields.UUID(allow_none=True)
    product_id = fields.UUID(allow_none=True)
    category = fields.String(allow_none=True)
    tier = fields.String(allow_none=True)
    currency = fields.String(allow_none=True)
    rate_ppm = fields.Integer(allow_none=True)
    flat_minor = fields.Integer(allow_none=True)
    level2_ppm = fields.Integer()
    cap_minor = fields.Integer(allow_none=True)
    hold_days = fields.Integer(allow_none=True)
    valid_from = Moment()
    valid_until = Moment(allow_none=True)
    published_at = Moment()
    note = fields.String()


class NoteIn(In):
    note = words(1000, load_default="")


class SimulateIn(DraftIn):
    campaign_ids = fields.List(fields.UUID(), load_default=None, allow_none=True, validate=validate.Length(1, 100),
                               metadata={"description": "Campaigns to replay; null: all that are past."})


class SimulatedTotalOut(Out):
    currency = fields.String()
    lines = fields.Integer()
    before_minor = fields.Integer()
    after_minor = fields.Integer()
    change_minor = fields.Integer()


class SimulatedPartyOut(Out):
    affiliate_id = fields.UUID()
    name = fields.String()
    currency = fields.String()
    before_minor = fields.Integer()
    after_minor = fields.Integer()
    change_minor = fields.Integer()


class SimulatedOut(Out):
    """Past sales as if the draft had held; nothing was written. Winners and losers: the 100 with the most change."""
    totals = fields.List(fields.Nested(SimulatedTotalOut))
    winners = fields.List(fields.Nested(SimulatedPartyOut))
    losers = fields.List(fields.Nested(SimulatedPartyOut))
    unchanged = fields.Integer()


class PolicyIn(In):
    sources = fields.List(one_of(SOURCES), required=True, validate=validate.Length(1, 4))
    window_days = days(1, 90, load_default=7)
    bind_days = days(0, 3650, load_default=180)
    campaign_id = fields.UUID(load_default=None, allow_none=True)


class PolicyOut(Out):
    id = fields.UUID()
    version = fields.Integer()
    campaign_id = fields.UUID(allow_none=True)
    sources = fields.List(one_of(SOURCES))
    window_days = fields.Integer()
    bind_days = fields.Integer()
    created_at = Moment()


# -- Budgets and bonuses

class BudgetIn(In):
    amount_minor = minor(required=True)


class BudgetOut(Out):
    campaign_id = fields.UUID()
    currency = fields.String()
    amount_minor = fields.Integer()
    spent_minor = fields.Integer()


class BonusIn(In):
    measure = one_of(MEASURES, required=True)
    threshold = minor(1, required=True)
    amount_minor = minor(1, required=True)


class BonusOut(Out):
    id = fields.UUID()
    campaign_id = fields.UUID()
    measure = one_of(MEASURES)
    threshold = fields.Integer()
    amount_minor = fields.Integer()
    currency = fields.String()
    created_at = Moment()
    withdrawn_at = Moment(allow_none=True)


# -- Holds and appeals

class HoldsIn(PageIn):
    decided = fields.Boolean(load_default=False)


class HoldOut(Out):
    """Why a commission waits, with the evidence."""
    id = fields.UUID()
    commission_id = fields.UUID()
    affiliate_id = fields.UUID()
    affiliate = fields.String()
    order_number = fields.Integer()
    reason = fields.String()
    evidence = fields.Dict(keys=fields.String())
    currency = fields.String()
    amount_minor = fields.Integer()
    left_minor = fields.Integer()
    opened_at = Moment()
    decision = one_of(("released", "rejected"), allow_none=True)
    decided_at = Moment(allow_none=True)
    note = fields.String()


class HoldDecisionIn(In):
    decision = one_of(("released", "rejected"), required=True)
    note = words(1000, required=True)


class DoubtIn(In):
    note = words(1000, required=True)


class CorrectionIn(In):
    """Above 0 gives back what was taken, below 0 takes."""
    amount_minor = minor(-2**53 + 1, required=True)
    note = words(1000, required=True)


class PaidCommissionOut(Out):
    """A commission as the shop sees it."""
    id = fields.UUID()
    affiliate_id = fields.UUID()
    currency = fields.String()
    amount_minor = fields.Integer()
    reversed_minor = fields.Integer()
    held = fields.Boolean()


class AnswerIn(In):
    note = words(2000, required=True)
    release = fields.Boolean(load_default=False)


class ShopAppealOut(AppealOut):
    affiliate_id = fields.UUID()


class ShopAppealsIn(PageIn):
    answered = fields.Boolean(metadata={"description": "Only those answered, or only those not; all without."})

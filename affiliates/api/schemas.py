"""What the affiliate's part of the API takes and gives."""
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate, validates_schema

from affiliates.api.spec import Moment, Out, words
from affiliates.attribution.models import SOURCES
from affiliates.commission.tell import STATES
from affiliates.payouts.moves import PAYOUT_STATES
from affiliates.people.models import AFFILIATE_STATES
from core.api import PageIn
from core.web import In


def one_of(names, **more):
    return fields.String(validate=validate.OneOf(list(names)), **more)


# -- Oneself

class MyShopOut(Out):
    merchant_id = fields.UUID()
    name = fields.String()
    state = one_of(AFFILIATE_STATES)
    tier = fields.String()


class MeOut(Out):
    """An affiliate, to themselves."""
    id = fields.UUID()
    display_name = fields.String()
    about = fields.String()
    state = one_of(AFFILIATE_STATES)
    leader_id = fields.UUID(allow_none=True)
    created_at = Moment()
    payout_account = fields.String(allow_none=True, metadata={"description": "The last signs of where money goes."})
    shops = fields.List(fields.Nested(MyShopOut))


class MeIn(In):
    display_name = words(80)
    about = fields.String(validate=validate.Length(max=1000))


class TotalOut(Out):
    """Sums of one currency. `held` is the part of `earned` in review; `mature` is past its days, settled or not."""
    currency = fields.String()
    earned_minor = fields.Integer()
    held_minor = fields.Integer()
    mature_minor = fields.Integer()
    payable_minor = fields.Integer(metadata={"description": "Below 0: a debt that later earnings repay."})
    on_the_way_minor = fields.Integer()
    paid_minor = fields.Integer()


class TotalsOut(Out):
    data = fields.List(fields.Nested(TotalOut))


class StatementOut(Out):
    month = fields.String()
    currency = fields.String()
    lines = fields.Integer()
    left_minor = fields.Integer()


class StatementsOut(Out):
    data = fields.List(fields.Nested(StatementOut))


class PayoutOut(Out):
    id = fields.UUID()
    currency = fields.String()
    amount_minor = fields.Integer()
    state = one_of(PAYOUT_STATES)
    failure = fields.String(allow_none=True)
    created_at = Moment()
    ended_at = Moment(allow_none=True)


# -- Campaigns and links

class RateOut(Out):
    rate_ppm = fields.Integer(allow_none=True)
    flat_minor = fields.Integer(allow_none=True)
    cap_minor = fields.Integer(allow_none=True)
    what = fields.String(metadata={"description": "The product or category it is for; empty: everything."})
    since = Moment()
    until = Moment(allow_none=True)


class RateChangeOut(RateOut):
    begins = fields.Boolean(metadata={"description": "It begins at `since`; else it ends at `until` and nothing takes "
                                      "its place."})


class OpenCampaignOut(Out):
    """A campaign that can be promoted, with what it pays oneself now."""
    id = fields.UUID()
    name = fields.String()
    currency = fields.String()
    merchant_id = fields.UUID()
    shop = fields.String()
    approval = one_of(AFFILIATE_STATES, allow_none=True)
    live_session_id = fields.UUID(attribute="live_id", allow_none=True)
    show_state = fields.String(attribute="state", allow_none=True)
    starts_at = Moment(allow_none=True)
    visits = fields.Integer()
    orders = fields.Integer()
    earned_minor = fields.Integer(attribute="earned")
    link_id = fields.UUID(allow_none=True)
    rates = fields.List(fields.Nested(RateOut))
    changes = fields.List(fields.Nested(RateChangeOut))


class BroughtOut(Out):
    currency = fields.String()
    orders = fields.Integer()
    earned_minor = fields.Integer(attribute="earned")


class LinkOut(Out):
    id = fields.UUID()
    code = fields.String()
    url = fields.String(metadata={"format": "uri"})
    merchant_id = fields.UUID()
    campaign_id = fields.UUID(allow_none=True)
    live_session_id = fields.UUID(allow_none=True)
    product_id = fields.UUID(allow_none=True)
    label = fields.String()
    created_at = Moment()
    closed_at = Moment(allow_none=True)
    clicks = fields.Integer()
    visitors = fields.Integer()
    brought = fields.List(fields.Nested(BroughtOut))


class LinkIn(In):
    """What the link leads to: a campaign, one of its shows, or a product."""
    campaign_id = fields.UUID(load_default=None, allow_none=True)
    live_session_id = fields.UUID(load_default=None, allow_none=True)
    product_id = fields.UUID(load_default=None, allow_none=True)
    label = words(60, load_default="")

    @validates_schema
    def has_target(self, data, **_more):
        if not (data["campaign_id"] or data["live_session_id"] or data["product_id"]):
            raise ValidationError(_l("Name a campaign, a show or a product."), "campaign_id")


# -- Commissions

class CommissionsIn(PageIn):
    state = one_of(STATES)
    campaign_id = fields.UUID()
    currency = fields.String(validate=validate.Length(3, 3))
    since = Moment(metadata={"description": "Made at this moment or later."})
    until = Moment(metadata={"description": "Made before this moment."})


class CommissionOut(Out):
    """What one line of an order earns. Nothing in it says who the buyer is."""
    id = fields.UUID()
    order_number = fields.Integer()
    title = fields.String()
    quantity = fields.Integer()
    level = fields.Integer(metadata={"description": "1: you brought the buyer. 2: a member of your team did."})
    kind = one_of(("sale", "bonus"))
    currency = fields.String()
    base_minor = fields.Integer()
    rate_ppm = fields.Integer(allow_none=True)
    flat_minor = fields.Integer(allow_none=True)
    amount_minor = fields.Integer()
    reversed_minor = fields.Integer()
    state = one_of(STATES)
    held = fields.Boolean()
    campaign_id = fields.UUID()
    merchant_id = fields.UUID()
    matures_at = Moment(allow_none=True)
    created_at = Moment()


class AppealOut(Out):
    id = fields.UUID()
    commission_id = fields.UUID()
    body = fields.String()
    created_at = Moment()
    answered_at = Moment(allow_none=True)
    answer = fields.String()


class AppealIn(In):
    body = words(2000, required=True)


class OrderTimesOut(Out):
    number = fields.Integer()
    placed_at = Moment()
    paid_at = Moment(allow_none=True)
    delivered_at = Moment(allow_none=True)


class BaseOut(Out):
    """quantity × unit_price − discount = paid."""
    title = fields.String()
    sku = fields.String()
    quantity = fields.Integer()
    unit_price_minor = fields.Integer()
    discount_minor = fields.Integer()
    coupon = fields.String(allow_none=True)
    paid_minor = fields.Integer()


class FormulaOut(Out):
    """paid × rate in millionths of a minor unit, rounded half up, then capped = amount."""
    rate_ppm = fields.Integer(allow_none=True)
    flat_minor = fields.Integer(allow_none=True)
    quantity = fields.Integer()
    exact_millionths = fields.Integer()
    rounded_minor = fields.Integer()
    rounding = fields.String()
    cap_minor = fields.Integer(allow_none=True)
    capped = fields.Boolean()
    capped_by = fields.String(allow_none=True)
    amount_minor = fields.Integer()


class PolicyUsedOut(Out):
    sources = fields.List(one_of(SOURCES))
    window_days = fields.Integer()
    bind_days = fields.Integer()


class CandidateOut(Out):
    source = one_of(SOURCES)
    at = Moment()
    outcome = fields.String()
    me = fields.Boolean()


class WhyMeOut(Out):
    source = one_of(SOURCES)
    team = fields.Boolean()
    policy_version = fields.Integer()
    policy = fields.Nested(PolicyUsedOut)
    tier = fields.String(allow_none=True)
    candidates = fields.List(fields.Nested(CandidateOut))


class ChangeOut(Out):
    cause = fields.String()
    cause_id = fields.String()
    amount_minor = fields.Integer()
    money_gone_minor = fields.Integer()
    note = fields.String()
    at = Moment()


class LineHoldOut(Out):
    reason = fields.String()
    opened_at = Moment()
    decision = fields.String(allow_none=True)
    decided_at = Moment(allow_none=True)
    note = fields.String()


class WhenOut(Out):
    """`waits_for`: null when settled or payable now; else nothing_left, decision, delivery or days."""
    settled = fields.Boolean()
    payable_from = Moment(allow_none=True)
    hold_days = fields.Integer()
    delivered_at = Moment(allow_none=True)
    waits_for = fields.String(allow_none=True)
    holds = fields.List(fields.String())


class ExplainedOut(Out):
    """One commission with every term of its amount."""
    id = fields.UUID()
    kind = one_of(("sale", "bonus"))
    level = fields.Integer()
    currency = fields.String()
    state = one_of(STATES)
    created_at = Moment()
    order = fields.Nested(OrderTimesOut)
    base = fields.Nested(BaseOut)
    formula = fields.Nested(FormulaOut)
    rule = fields.Dict(keys=fields.String(), metadata={"description": "The rule or bonus as it was published."})
    why_me = fields.Nested(WhyMeOut)
    adjustments = fields.List(fields.Nested(ChangeOut))
    holds = fields.List(fields.Nested(LineHoldOut))
    reversed_minor = fields.Integer()
    left_minor = fields.Integer()
    when = fields.Nested(WhenOut)
    appeals = fields.List(fields.Nested(AppealOut))

"""What settlements and payouts give and take."""
from marshmallow import fields, validate

from affiliates.api.schemas import one_of
from affiliates.api.spec import Moment, Out, minor, words
from affiliates.payouts.models import METHODS, REASONS
from affiliates.payouts.moves import ATTEMPT_STATES, BATCH_STATES, PAYOUT_STATES
from affiliates.settlement.models import RUN_STATES
from core.api import PageIn
from core.web import In

# A party of the ledger, with the id as it is written everywhere.
OWNER = r"^(affiliate|merchant):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"


# -- Settlement


class MerchantPartOut(Out):
    """due = sales − refunds − disputes − fees − commissions; amount = due − before."""
    orders = fields.Integer()
    sales_minor = fields.Integer()
    refunds_minor = fields.Integer()
    disputes_minor = fields.Integer()
    fees_minor = fields.Integer()
    commissions_minor = fields.Integer()
    due_minor = fields.Integer()
    before_minor = fields.Integer()
    amount_minor = fields.Integer()


class PreviewIn(PageIn):
    cutoff = Moment(metadata={"description": "Send the first page's cutoff for the next ones; now without."})


class PreviewPartyOut(Out):
    affiliate_id = fields.UUID()
    items = fields.Integer()
    adjustments = fields.Integer()
    gross_minor = fields.Integer()
    amount_minor = fields.Integer()


class PreviewOut(Out):
    """What a run opened now would post, to the unit; nothing was written."""
    cutoff = Moment()
    currency = fields.String()
    parties = fields.Integer()
    commissions_minor = fields.Integer()
    merchant = fields.Nested(MerchantPartOut)
    data = fields.List(fields.Nested(PreviewPartyOut))
    next_cursor = fields.String(allow_none=True)


class ProgressOut(Out):
    chunks = fields.Integer()
    done = fields.Integer()
    failed = fields.Integer()
    parties = fields.Integer()
    items = fields.Integer()
    amount_minor = fields.Integer()


class RunOut(Out):
    id = fields.UUID()
    campaign_id = fields.UUID()
    merchant_id = fields.UUID()
    seq = fields.Integer()
    state = one_of(RUN_STATES)
    currency = fields.String()
    cutoff = Moment()
    opened_at = Moment()
    settled_at = Moment(allow_none=True)
    audited_at = Moment(allow_none=True)
    result = fields.Dict(keys=fields.String(), metadata={
        "description": "Sums once it is settled, what is left for later, and what the audit found."})


class FailedChunkOut(Out):
    no = fields.Integer()
    state = fields.String()
    tries = fields.Integer()
    error = fields.String()


class RunWholeOut(RunOut):
    """A run with how far it is, its failed parts and (when settled) the merchant's part."""
    progress = fields.Nested(ProgressOut)
    failed_chunks = fields.List(fields.Nested(FailedChunkOut))
    merchant = fields.Nested(MerchantPartOut, allow_none=True)


class PartyOut(Out):
    affiliate_id = fields.UUID()
    display_name = fields.String()
    items = fields.Integer()
    adjustments = fields.Integer()
    amount_minor = fields.Integer()


class RunsIn(PageIn):
    state = one_of(RUN_STATES)


# -- Batches

class BatchIn(In):
    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}\Z"))
    channel = one_of(METHODS, required=True)
    threshold_minor = minor(1, required=True)


class BatchOut(Out):
    id = fields.UUID()
    number = fields.Integer()
    currency = fields.String()
    channel = one_of(METHODS)
    threshold_minor = fields.Integer()
    state = one_of(BATCH_STATES)
    created_by = fields.UUID()
    created_at = Moment()
    approved_by = fields.UUID(allow_none=True)
    approved_at = Moment(allow_none=True)
    exported_at = Moment(allow_none=True)


class StateTotalOut(Out):
    state = one_of(PAYOUT_STATES)
    count = fields.Integer()
    amount_minor = fields.Integer()


class BatchWholeOut(BatchOut):
    totals = fields.List(fields.Nested(StateTotalOut))


class PayoutsIn(PageIn):
    batch_id = fields.UUID()
    state = one_of(PAYOUT_STATES)
    owner = fields.String(validate=validate.Regexp(OWNER))


class PlatformPayoutOut(Out):
    """A payout with its running attempt. `key` is the one of files and providers."""
    id = fields.UUID()
    batch_id = fields.UUID()
    owner = fields.String()
    holder = fields.String()
    account = fields.String()
    currency = fields.String()
    amount_minor = fields.Integer()
    state = one_of(PAYOUT_STATES)
    failure = fields.String(allow_none=True)
    attempt = fields.Integer()
    key = fields.String(allow_none=True)
    attempt_state = one_of(ATTEMPT_STATES, allow_none=True)
    attempt_failure = fields.String(allow_none=True)
    created_at = Moment()
    ended_at = Moment(allow_none=True)


class ExclusionOut(Out):
    owner = fields.String()
    balance_minor = fields.Integer()
    reason = one_of(REASONS)


class ExportIn(In):
    form = one_of(("csv", "pain.001"), required=True)


class AttemptOut(Out):
    """One try at the bank or provider. `choices`: what a person may decide about it now."""
    id = fields.UUID()
    n = fields.Integer()
    key = fields.String()
    state = one_of(ATTEMPT_STATES)
    failure = fields.String(allow_none=True)
    provider = one_of(METHODS)
    provider_ref = fields.String(allow_none=True)
    choices = fields.List(fields.String())
    created_at = Moment()
    sent_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)


class PayoutWholeOut(PlatformPayoutOut):
    attempts = fields.List(fields.Nested(AttemptOut))


class OutcomeIn(In):
    """`attempt_id` without: the running attempt. stands: the books are right, the bank's second word was wrong."""
    outcome = one_of(("paid", "rejected", "returned", "stands"), required=True)
    attempt_id = fields.UUID(load_default=None, allow_none=True)
    note = words(1000, required=True)


class AccountsIn(PageIn):
    verified = fields.Boolean(load_default=False)


class AccountOut(Out):
    id = fields.UUID()
    owner = fields.String()
    method = one_of(METHODS)
    holder = fields.String()
    account = fields.String(metadata={"description": "Its last signs."})
    created_at = Moment()
    usable_from = Moment()
    verified_at = Moment(allow_none=True)


class ReconciliationIn(In):
    filename = words(200, required=True)
    csv = fields.String(required=True, validate=validate.Length(1, 10_000_000), metadata={
        "description": "payout,outcome,amount,currency,reference; the last line is total,<how many>,<sum>,<currency>,"})


class ReconciliationOut(Out):
    id = fields.UUID()
    filename = fields.String()
    rows = fields.Integer()
    changed = fields.Integer()
    total_minor = fields.Integer()
    by_member_id = fields.UUID()
    created_at = Moment()


class OwedOut(Out):
    """One currency: what parties are owed, what they owe us, and what is on the way."""
    currency = fields.String()
    parties = fields.Integer()
    owed_minor = fields.Integer()
    debtors = fields.Integer()
    debt_minor = fields.Integer()
    transit_minor = fields.Integer()


class AllOwedOut(Out):
    data = fields.List(fields.Nested(OwedOut))


class DebtOut(Out):
    owner = fields.String()
    name = fields.String()
    currency = fields.String()
    debt_minor = fields.Integer()


class WriteOffIn(In):
    owner = fields.String(required=True, validate=validate.Regexp(OWNER))
    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}\Z"))
    amount_minor = minor(1, required=True)
    note = words(1000, required=True)


class BalanceOut(Out):
    """Of a shop: `payable_minor` is settled and not paid out; `sales_minor` is not settled yet."""
    currency = fields.String()
    payable_minor = fields.Integer()
    sales_minor = fields.Integer()


# -- The platform's affiliates

class AnybodyOut(Out):
    id = fields.UUID()
    member_id = fields.UUID()
    email = fields.String()
    display_name = fields.String()
    about = fields.String()
    state = fields.String()
    created_at = Moment()
    state_at = Moment()

"""Every page of the house: who looks at it, where it is, and what is pressed before it is looked at."""
from dataclasses import dataclass

from demo.accounts import AFFILIATES, CHECKER, HOST, OPERATOR, PASSWORD, STAFF, VIEWERS
from tests.e2e.people import BUYER, FRESH, HOLDER, LINER, NEWCOMER


@dataclass(frozen=True)
class Page:
    """`{name}` in the path is an id of world.py. `press`: selectors pressed in turn; `fill`: {selector: text} before.
    `setting`: what the show is made to be meanwhile (test_pages.py). `ready`: what must be there when it is seen."""
    name: str
    path: str
    who: str | None = None
    press: tuple[str, ...] = ()
    fill: tuple[tuple[str, str], ...] = ()
    setting: str = ""
    ready: str = "main"


SHOW = "html[data-state='live']"
JOINED = "#n-viewers:not(:text('–'))"
PUBLIC = [
    Page("home", "/"), Page("waiting", "/live/{next}"), Page("called-off", "/live/{cancelled}"),
    Page("ended", "/live/{past}"), Page("watch-guest", "/live/{live}", ready=SHOW),
    Page("sign-in", "/sign-in"),
    Page("sign-in-refused", "/sign-in", fill=(("[name=email]", "nobody@livestall.test"), ("[name=password]", "12345")),
         press=("main form button.act",), ready=".notice.urgent"),
    Page("sign-up", "/sign-up"), Page("sign-up-invited", "/sign-up?invite={invite}"),
    Page("sign-up-late", "/sign-up?invite=old"),
    Page("forgot", "/forgot"),
    Page("forgot-sent", "/forgot", fill=(("[name=email]", "nobody@livestall.test"),), press=("main form button.act",),
         ready=".notice"),
    Page("reset", "/reset/{reset}"), Page("reset-old", "/reset/old"),
    Page("api-docs", "/api/v1/docs"), Page("api-docs-open", "/api/v1/docs", press=("#commissions > summary",)),
    Page("error-404", "/no-such-page"), Page("error-503", "/503"), Page("error-500", "/500"),
]
VIEWER = [
    Page("watch", "/live/{live}", VIEWERS[1], ready=SHOW),
    Page("watch-sheet", "/live/{live}", VIEWERS[1], press=("#card .go",), ready="dialog[open]"),
    Page("watch-paused", "/live/{live}", VIEWERS[1], setting="paused", ready=SHOW),
    Page("watch-reserved", "/live/{live}", HOLDER, ready="#card .mine"),
    Page("watch-paid", "/live/{live}", BUYER, ready="#card .mine"),
    Page("watch-sold-out", "/live/{live}", VIEWERS[1], setting="sold out", ready="#card .sold, #card .none"),
    Page("watch-in-line", "/live/{live}", LINER, setting="sold out", ready="#card .mine"),
    Page("watch-newcomer", "/live/{live}", NEWCOMER, press=("#card .go",), ready="dialog[open]"),
    Page("ended-buyer", "/live/{past}", VIEWERS[0]),
    Page("orders", "/orders", BUYER), Page("orders-none", "/orders", NEWCOMER),
    *(Page(f"order-{name}", f"/orders/{{order_{name}}}", BUYER)
      for name in ("awaiting", "bank", "paid", "sent", "delivered", "cancelled", "expired", "refused")),
    Page("order-cancel", "/orders/{order_paid}", BUYER, press=("[data-open=cancel]",), ready="dialog[open]"),
    Page("receipt", "/orders/{order_paid}/receipt", BUYER),
    Page("bank", "/sandbox-bank/{bank}", BUYER), Page("bank-dispute", "/sandbox-bank/{charge}/dispute", BUYER),
    Page("account", "/account", BUYER), Page("account-new", "/account", NEWCOMER),
    Page("menu", "/account", BUYER, press=("header .menu summary",)),
    Page("account-refused", "/account", BUYER,
         fill=(("[name=current_password]", "wrong"), ("[name=password]", "short!!!")),
         press=("form[action$=password] button.act, form[action$=password] button[type=submit]",)),
    Page("keys", "/account/keys", OPERATOR), Page("keys-none", "/account/keys", NEWCOMER),
    Page("keys-shop", "/account/keys", STAFF),
    Page("keys-revoke", "/account/keys", STAFF, press=("[data-open^=revoke]",), ready="dialog[open]"),
    Page("keys-made", "/account/keys", BUYER, fill=(("[name=name]", "Sheet"), ("[name=current_password]", PASSWORD)),
         press=("[name=affiliate_read]", "form.form button.act"), ready="#secret"),
    Page("keys-refused", "/account/keys", BUYER, fill=(("[name=name]", "Sheet"), ("[name=current_password]", PASSWORD)),
         press=("form.form button.act",), ready=".notice.urgent"),
    Page("address-new", "/account/addresses/new", NEWCOMER), Page("address", "/account/addresses/{address}", BUYER),
    Page("address-refused", "/account/addresses/new", NEWCOMER, fill=(("[name=name]", "Ada"), ("[name=line1]", "1"),
         ("[name=city]", "Leeds"), ("[name=phone]", "call me")), press=("main form button.act",), ready=".field.bad"),
    Page("email", "/account/email", BUYER),
    Page("email-sent", "/account/email", BUYER, fill=(("[name=email]", "sam.new@livestall.test"),
         ("[name=current_password]", PASSWORD)), press=("main form button.act",), ready=".notice"),
    Page("email-confirm", "/account/email/{email}", BUYER), Page("email-old", "/account/email/old"),
    Page("error-403", "/studio/orders", BUYER), Page("error-not-yours", "/orders/{missing}", BUYER),
]
STUDIO = [
    Page("campaigns", "/studio/campaigns", STAFF), Page("campaigns-none", "/studio/campaigns", FRESH),
    Page("campaigns-of-a-state", "/studio/campaigns?state=settled", STAFF),
    Page("campaign-new", "/studio/campaigns", STAFF, press=("[data-open=new-campaign]",), ready="dialog[open]"),
    Page("campaign-draft", "/studio/campaigns/{draft}", STAFF, ready="#offers input, #offers .empty"),
    Page("campaign-add", "/studio/campaigns/{draft}", STAFF, press=("#open-add",), ready="dialog[open] #found label"),
    Page("campaign-import", "/studio/campaigns/{draft}", STAFF, press=("[data-open=import]",), ready="dialog[open]"),
    Page("campaign-live", "/studio/campaigns/{published}", STAFF),
    Page("campaign-scheduled", "/studio/campaigns/{scheduled}", STAFF),
    Page("campaign-ended", "/studio/campaigns/{ended}", STAFF),
    Page("catalogue", "/studio/catalogue", STAFF), Page("catalogue-none", "/studio/catalogue", FRESH),
    Page("catalogue-found-none", "/studio/catalogue?q=zebra", STAFF),
    Page("catalogue-low", "/studio/catalogue?low=1", STAFF),
    Page("product", "/studio/catalogue/{product}", STAFF), Page("product-new", "/studio/catalogue/new", STAFF),
    Page("product-history", "/studio/catalogue/{product}/history", STAFF),
    Page("imports", "/studio/catalogue/imports", STAFF), Page("imports-none", "/studio/catalogue/imports", FRESH),
    *(Page(f"import-{name}", f"/studio/catalogue/imports/{{import_{name}}}", STAFF)
      for name in ("preview", "busy", "done", "failed", "dropped")),
    Page("desk", "/studio/orders", STAFF), Page("desk-to-pack", "/studio/orders?show=to_pack", STAFF),
    Page("desk-trouble", "/studio/orders?show=trouble", STAFF), Page("desk-none", "/studio/orders", FRESH),
    *(Page(f"desk-{name}", f"/studio/orders/{{order_{name}}}", STAFF)
      for name in ("paid", "sent", "delivered", "refused", "awaiting", "expired")),
    Page("desk-refund", "/studio/orders/{order_paid}", STAFF, press=("[data-open=refund]",), ready="dialog[open]"),
    Page("packing", "/studio/orders/packing?id={order_paid}", STAFF),
    Page("shows", "/studio/shows", STAFF), Page("shows-none", "/studio/shows", FRESH),
    Page("show-new", "/studio/shows", STAFF, press=("[data-open=plan-show]",), ready="dialog[open]"),
    Page("plan", "/studio/shows/{next}", HOST), Page("plan-live", "/studio/shows/{live}", HOST),
    Page("plan-cancelled", "/studio/shows/{cancelled}", HOST),
    Page("control", "/studio/shows/{live}/control", HOST, ready=JOINED),
    Page("control-sold-out", "/studio/shows/{live}/control", HOST, setting="sold out", ready=JOINED),
    Page("control-paused", "/studio/shows/{live}/control", HOST, setting="paused", ready=JOINED),
    Page("control-before", "/studio/shows/{next}/control", HOST, ready=JOINED),
    Page("control-rehearsal", "/studio/shows/{next}/control", HOST, setting="rehearsal", ready=JOINED),
    Page("watch-rehearsal", "/live/{next}", HOST, setting="rehearsal", ready=SHOW),
    Page("control-over", "/studio/shows/{past}/control", HOST),
    Page("report", "/studio/shows/{past}/report", STAFF), Page("report-live", "/studio/shows/{live}/report", STAFF),
    Page("people", "/studio/people", STAFF), Page("shop", "/studio/shop", STAFF),
    Page("studio-menu", "/studio/shop", STAFF, press=("header .menu summary",)),
]
OPERATE = [
    Page("operator", "/operator", OPERATOR), Page("operator-jobs", "/operator/jobs", OPERATOR),
    Page("operator-mails", "/operator/mails", OPERATOR),
    Page("operator-mails-sent", "/operator/mails?state=sent", OPERATOR),
    Page("operator-mail", "/operator/mails/{mail}", OPERATOR), Page("operator-members", "/operator/members", OPERATOR),
    Page("operator-members-none", "/operator/members?q=zebra", OPERATOR),
    Page("operator-merchants", "/operator/merchants", OPERATOR),
]
AIKO, EARNING = AFFILIATES[0], "html[data-joined=yes]"
PORTAL = [
    Page("affiliate", "/affiliate", AIKO, ready=EARNING),
    Page("affiliate-open-line", "/affiliate", AIKO, press=("#lines .head",), ready="#lines .why"),
    Page("affiliate-new", "/affiliate", LINER, ready=EARNING), Page("affiliate-join", "/affiliate", NEWCOMER),
    Page("affiliate-waits", "/affiliate", HOLDER),
    Page("affiliate-campaigns", "/affiliate/campaigns", AIKO),
    Page("affiliate-campaigns-new", "/affiliate/campaigns", LINER),
    Page("affiliate-links", "/affiliate/links", AIKO), Page("affiliate-links-none", "/affiliate/links", LINER),
    Page("affiliate-lines", "/affiliate/lines", AIKO),
    *(Page(f"affiliate-line-{name}", f"/affiliate/lines/{{line_{name}}}", AIKO)
      for name in ("paid", "held", "back", "answered")),
    Page("affiliate-statements", "/affiliate/statements", AIKO),
    Page("affiliate-statements-none", "/affiliate/statements", LINER),
    Page("affiliate-settings", "/affiliate/settings", AIKO), Page("affiliate-team", "/affiliate/team", AIKO),
    Page("affiliate-team-none", "/affiliate/team", LINER),
    Page("affiliate-team-join", "/affiliate/team/join/{team}", LINER),
    Page("affiliate-payout", "/affiliate/payout-account", AIKO),
    Page("affiliate-payout-refused", "/affiliate/payout-account", AIKO,
         fill=(("[name=holder]", "Aiko"), ("[name=iban]", "DE00"), ("[name=password]", PASSWORD)),
         press=("main form button.act",), ready=".field.bad"),
    Page("affiliate-invitation", "/affiliate/invitations/{promote}", NEWCOMER),
    Page("appeals", "/studio/appeals", STAFF), Page("appeals-none", "/studio/appeals", FRESH),
]
DESK = [
    Page("desk-people", "/studio/affiliates", STAFF), Page("desk-people-none", "/studio/affiliates", FRESH),
    Page("desk-people-found-none", "/studio/affiliates?q=zebra", STAFF),
    Page("desk-person", "/studio/affiliates/{aff_aiko}", STAFF),
    Page("desk-person-asks", "/studio/affiliates/{aff_asks}", STAFF, press=("[data-open=refuse]",),
         ready="dialog[open]"),
    Page("desk-person-freeze", "/studio/affiliates/{aff_aiko}", STAFF, press=("[data-open=freeze]",),
         ready="dialog[open]"),
    Page("desk-rules", "/studio/affiliates/rules", STAFF), Page("desk-rules-none", "/studio/affiliates/rules", FRESH),
    Page("desk-rules-end", "/studio/affiliates/rules", STAFF, press=("[data-open=end-1]",), ready="dialog[open]"),
    Page("desk-draft", "/studio/affiliates/rules/new", STAFF),
    Page("desk-draft-raise", "/studio/affiliates/rules/new?try=1&rate=12&cap=5&hold_days=20", STAFF),
    Page("desk-draft-cut", "/studio/affiliates/rules/new?try=1&rate=5", STAFF, press=("[data-open=publish]",),
         ready="dialog[open]"),
    Page("desk-draft-refused", "/studio/affiliates/rules/new?try=1&rate=ten", STAFF, ready=".field.bad"),
    Page("desk-campaigns", "/studio/affiliates/rules/campaigns", STAFF),
    Page("desk-campaigns-none", "/studio/affiliates/rules/campaigns", FRESH),
    Page("desk-campaign", "/studio/affiliates/rules/campaigns/{published}", STAFF, ready=EARNING),
    Page("desk-campaign-ended", "/studio/affiliates/rules/campaigns/{ended}", STAFF, ready=EARNING),
    Page("desk-campaign-bonus", "/studio/affiliates/rules/campaigns/{published}", STAFF, press=("[data-open=bonus]",),
         ready="dialog[open]"),
    Page("control-budget", "/studio/shows/{live}/control", STAFF, ready="#budget-card:not([hidden])"),
    Page("desk-policy", "/studio/affiliates/rules/policy", STAFF),
    Page("desk-settings", "/studio/affiliates/settings", STAFF),
    Page("desk-invitations", "/studio/affiliates/invitations", STAFF),
    Page("desk-invited", "/studio/affiliates/invitations", STAFF, fill=(("[name=email]", "rosa@livestall.test"),),
         press=("main form button.act",), ready=".qr"),
    Page("desk-invitations-none", "/studio/affiliates/invitations", FRESH),
    Page("operator-affiliates", "/operator/affiliates", OPERATOR),
    Page("operator-affiliates-freeze", "/operator/affiliates?q=aiko", OPERATOR, press=("[data-open=freeze-1]",),
         ready="dialog[open]"),
    Page("desk-person-code", "/studio/affiliates/{aff_aiko}", STAFF, press=("[data-open=code]",), ready="dialog[open]"),
]
SETTLING = "/studio/affiliates/settlements"
SETTLEMENT = [
    Page("settlements", SETTLING, STAFF), Page("settlements-none", SETTLING, FRESH),
    Page("settlement-campaign", f"{SETTLING}/{{ended}}", STAFF),
    Page("settlement-not-ended", f"{SETTLING}/{{published}}", STAFF),
    Page("settlement-dry-run", f"{SETTLING}/{{ended}}/dry-run", STAFF),
    Page("settlement-settle", f"{SETTLING}/{{ended}}/dry-run", STAFF, press=("[data-open=settle]",),
         ready="dialog[open]"),
    Page("settlement-run", f"{SETTLING}/runs/{{run}}", STAFF),
    Page("settlement-run-failed", f"{SETTLING}/runs/{{run_failed}}", STAFF, ready="html[data-joined=yes]"),
    Page("settlement-party", f"{SETTLING}/runs/{{run}}/parties/{{party}}", STAFF),
    Page("holds", "/studio/affiliates/holds", STAFF), Page("holds-none", "/studio/affiliates/holds", FRESH),
    Page("holds-decided", "/studio/affiliates/holds?show=decided", STAFF),
    Page("holds-decided-none", "/studio/affiliates/holds?show=decided", FRESH),
    Page("holds-by-hand", "/studio/affiliates/holds", STAFF, press=("[data-open=by-hand]",), ready="dialog[open]"),
    Page("log", "/studio/affiliates/log", STAFF), Page("log-none", "/studio/affiliates/log", FRESH),
    Page("log-filtered", "/studio/affiliates/log?group=payouts", STAFF),
    Page("operator-log", "/operator/log", OPERATOR), Page("operator-log-none", "/operator/log?by=rule", OPERATOR),
    Page("operator-settlements", "/operator/settlements", OPERATOR),
    Page("operator-settlements-trouble", "/operator/settlements?show=trouble", OPERATOR),
    Page("operator-settlements-working", "/operator/settlements?show=working", OPERATOR),
]
PAY = "/operator/payouts"
PAYOUTS = [
    Page("payouts", PAY, OPERATOR),
    Page("payouts-refused", PAY, OPERATOR, fill=(("[name=threshold]", "ten"),), press=("main form button.act",),
         ready=".field.bad"),
    Page("payout-batch-own", f"{PAY}/batches/{{batch_draft}}", OPERATOR),
    Page("payout-batch-approve", f"{PAY}/batches/{{batch_draft}}", CHECKER),
    Page("payout-batch-done", f"{PAY}/batches/{{batch_done}}", CHECKER),
    Page("payout-batch-bank", f"{PAY}/batches/{{batch_bank}}", OPERATOR),
    *(Page(f"payout-{name}", f"{PAY}/{{payout_{name}}}", OPERATOR) for name in ("unknown", "refused", "twice")),
    Page("payouts-troubled", f"{PAY}/troubled", OPERATOR), Page("payouts-accounts", f"{PAY}/accounts", OPERATOR),
    Page("payouts-debts", f"{PAY}/debts", OPERATOR),
    Page("payouts-debt", f"{PAY}/debts", OPERATOR, press=("[data-open=debt-1]",), ready="dialog[open]"),
    Page("payouts-file", f"{PAY}/reconciliation", OPERATOR),
    Page("money", "/studio/affiliates/money", STAFF), Page("money-none", "/studio/affiliates/money", FRESH),
    Page("money-account", "/studio/affiliates/money/account", STAFF),
    Page("money-account-refused", "/studio/affiliates/money/account", STAFF,
         fill=(("[name=holder]", "Ana"), ("[name=iban]", "DE00"), ("[name=password]", PASSWORD)),
         press=("main form button.act",), ready=".field.bad"),
    Page("affiliate-payouts", "/affiliate/payouts", AIKO), Page("affiliate-payouts-none", "/affiliate/payouts", HOLDER),
]
PAGES = [*PUBLIC, *VIEWER, *STUDIO, *OPERATE, *PORTAL, *DESK, *SETTLEMENT, *PAYOUTS]
# What is fetched by GET and is no page, besides /api/ and addresses that end as files do: (endpoint, what it is).
NO_PAGES = {"static": "files", "health.healthz": "text", "health.readyz": "JSON", "health.metrics": "text",
            "live.studio": "redirect", "pictures.picture": "picture", "orders.returned": "redirect",
            "affiliate_links.land": "redirect, or five seconds of a dead link's last words"}

"""Where the demo's parties want their money: one affiliate and the shop are verified, the other affiliate waits."""
from affiliates.payouts import accounts
from affiliates.people.queries import access_own
from affiliates.settlement import books as settlement
from demo.accounts import AFFILIATES, CHECKER, STAFF
from members.models import Member, Merchant
from orders import books

# The example of ISO 13616: it fits its own check digits and is nobody's.
IBAN = "GB82WEST12345698765432"


def plant(db, shop: Merchant, who: dict[str, Member]) -> None:
    """Their accounts, each given by its owner with the password."""
    aiko, femi = (who[email] for email in AFFILIATES)
    given = [(settlement.affiliate(access_own(db, aiko).id), aiko, "sandbox", {}),
             (books.merchant(shop.id), who[STAFF], "sandbox", {})]
    for owner, member, method, details in given:
        row = accounts.set_account(db, owner, member, method=method, holder=member.name, details=details)
        accounts.verify(db, row.id, who[CHECKER])
    accounts.set_account(db, settlement.affiliate(access_own(db, femi).id), femi, method="bank", holder=femi.name,
                         details={"iban": IBAN})

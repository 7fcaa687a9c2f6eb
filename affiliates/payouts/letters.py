"""The letter that a stolen session cannot stop: somebody said where the money goes."""
from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from affiliates.payouts import words
from core.i18n import LANGUAGES, known
from members.actions import write_mail


def account_set(db, member, account) -> None:
    """To who set the account, once a change, in their language."""
    language = known(member.language) or current_app.config["LIVESTALL"].default_language
    with force_locale(LANGUAGES[language][0]):
        write_mail(db, key=f"payout-account:{account.id}", member=member, subject=_("Your payout account was set"),
                   body=_("Your earnings will go to %(account)s, from %(day)s on and when we have verified it.\n\nIf "
                          "this was not you, change your password and tell us at once.",
                          day=f"{account.usable_from:%Y-%m-%d %H:%M} UTC", account=words.account(account)))

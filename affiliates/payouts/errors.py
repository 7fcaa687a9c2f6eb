"""Why something about payouts was refused."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError


class SecondPersonNeeded(DomainError):
    code, status = "second_person", 403
    message = _l("Somebody else than who made the batch has to approve it.")


class BatchClosed(DomainError):
    code, message = "batch_closed", _l("This batch was decided already.")


class NotExportable(DomainError):
    code, message = "not_exportable", _l("Only an approved batch for the bank can be exported.")


class NoDebtor(DomainError):
    code = "no_debtor"
    message = _l("The platform's own account is not set up (PAYOUT_DEBTOR_IBAN). Export CSV, or set it.")


class FileRefused(DomainError):
    """Nothing of the file was applied; `lines` says what is wrong where."""
    code, status = "file_refused", 422
    message = _l("Nothing was applied. Please mend these lines.")


class NotDecidable(DomainError):
    code, message = "not_decidable", _l("This payout waits for no decision of that kind.")


class NoSuchDebt(DomainError):
    code, message = "no_such_debt", _l("The debt is smaller than that, or gone.")


class NotRepeatable(DomainError):
    code, message = "not_repeatable", _l("Only a rejected payout can be sent again, while the money is there.")

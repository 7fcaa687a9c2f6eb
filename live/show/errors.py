"""Refusals of the show and its chat, in words that people understand."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError, Forbidden


class Banned(Forbidden):
    code, message = "banned", _l("This shop has closed its shows to you.")


class Muted(Forbidden):
    code, message = "muted", _l("You may not write in this chat.")


class ChatClosed(DomainError):
    code, message = "chat_closed", _l("The chat is open while the show is on air.")


class UndoGone(DomainError):
    code, message = "undo_gone", _l("It is too late to undo that.")

"""The demo's people. They are made up, and so is their password: it opens nothing but a demo."""
import click
from flask_babel import lazy_gettext as _l

from core.commands import command

DOMAIN = "livestall.test"  # .test is nobody's (RFC 2606)
PASSWORD = "market-lantern-22"  # noqa: S105
HOST, ASSISTANT, STAFF, OPERATOR = (f"{name}@{DOMAIN}" for name in ("nora", "jun", "ana", "op"))
VIEWERS = (f"mei@{DOMAIN}", f"tomasz@{DOMAIN}")
CHECKER = f"ruth@{DOMAIN}"  # pays what the operator prepared
AFFILIATES = (f"aiko@{DOMAIN}", f"femi@{DOMAIN}")

# (e-mail, name, role or None, what the account is for)
PEOPLE = (
    (HOST, "Nora", "host", _l("host, runs the show")),
    (ASSISTANT, "Jun", "assistant", _l("assistant, helps her")),
    (STAFF, "Ana", "merchant_staff", _l("merchant staff: catalogue, orders")),
    (OPERATOR, "Operator", "operator", _l("operator of the platform")),
    (CHECKER, "Ruth", "operator", _l("second operator: approves what the first prepared to pay")),
    (VIEWERS[0], "Mei", None, _l("viewer with a saved address and card")),
    (VIEWERS[1], "Tomasz", None, _l("viewer with a saved address and card")),
    (AFFILIATES[0], "Aiko", None, _l("affiliate, leads a team; her code is AIKO10")),
    (AFFILIATES[1], "Femi", None, _l("affiliate in Aiko's team")),
)
# For the sign-in page of a demo: (what for, e-mail, password).
SHOWN = [(purpose, email, PASSWORD) for email, _name, _role, purpose in PEOPLE]


@command("accounts")
def accounts():
    """Print the demo's accounts."""
    for email, _name, _role, purpose in PEOPLE:
        click.echo(f"{email:<22} {purpose}")
    click.echo(f"Password of all: {PASSWORD}")

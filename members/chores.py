"""Chores of the command line."""
import secrets

import click
from flask import current_app

from core.commands import command
from core.db import transaction
from core.web import check
from members import actions, queries
from members.schemas import ForgotIn


@command("operator")
@click.argument("email")
def make_operator(email):
    """Make the member with EMAIL an operator; a new one gets a link to set the password, printed here only."""
    email = check(ForgotIn, {"email": email})["email"]
    token = ""
    with transaction() as db:
        member = queries.member_by_email(db, email)
        if member is None:
            member = actions.sign_up(db, email=email, name=email.split("@")[0], password=secrets.token_urlsafe(24))
            token = actions.new_reset(db, member)
        actions.grant(db, member, "operator", None, None)
    click.echo(f"{email} is an operator now.")
    if token:
        click.echo(f"Set the password here within an hour: {current_app.config['LIVESTALL'].base_url}/reset/{token}")

"""The account page: name, password, addresses, sign-ins."""
from flask import g, render_template

from members.access import signed_in
from members.views import members


@members.get("/account")
@signed_in
def account():
    return render_template("members/account.html", member=g.member)

"""The account page: name, e-mail, password, addresses, sign-ins."""
from flask import abort, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core.db import reading, transaction
from core.errors import Invalid, NotFound
from core.web import body
from members import actions, devices, emails, identity, passwords, post, queries, throttle
from members.access import public, signed_in
from members.countries import countries, country_name, likely_country
from members.forms import page_with_form
from members.schemas import AddressIn, EmailIn, NameIn, PasswordIn
from members.views import members

# Per person and hour: a mistyped address or two, not a mailing.
LETTERS_FREE = 5


def _account_page(errors, message, values):
    """The page; `errors` belong to the form whose address was posted to."""
    with reading() as db:
        addresses, sign_ins = queries.addresses_of(db, g.member.id), queries.sign_ins_of(db, g.member.id)
        removed = queries.removed_address(db, request.args.get("removed"), g.member)
    return render_template("members/account.html", member=g.member, errors=errors, message=message, values=values,
                           form=request.endpoint, addresses=addresses, sign_ins=sign_ins, this=g.sign_in_id,
                           removed=removed, was_default=request.args.get("was_default", ""),
                           device_name=devices.device_name, country_name=country_name)


def _back(part: str = "", **more):
    return redirect(url_for("members.account", _anchor=part or None, **more), 303)


@members.get("/account")
@signed_in
def account():
    return _account_page({}, "", {})


@members.post("/account/name")
@signed_in
@page_with_form(_account_page)
def account_name():
    with transaction() as db:
        actions.rename(db, g.member.id, body(NameIn)["name"])
    flash(_("Your name is changed."), "ok")
    return _back()


@members.post("/account/password")
@signed_in
@page_with_form(_account_page)
def account_password():
    given = body(PasswordIn)
    ask_password(given["current_password"])
    passwords.refuse_weak(given["password"], g.member.email, g.member.name)
    fresh = passwords.hash_password(given["password"])
    with transaction() as db:
        actions.set_password(db, g.member, fresh, keep_sign_in=g.sign_in_id)
    flash(_("Your new password is set. Other browsers were signed out."), "ok")
    return _back()


def ask_password(password: str, field: str = "current_password") -> None:
    """Raises Invalid (said at `field`) unless it is the member's, or TooMany: guessing gets slow."""
    buckets = [throttle.Bucket(f"password:{g.member.id}", throttle.FREE)]
    throttle.take(buckets)
    if not passwords.matches(g.member.password_hash, password):
        raise Invalid(fields={field: [_("That is not your password.")]})
    throttle.forgive(buckets)


# -- E-mail

def _email_page(errors, message, values, sent_to=""):
    return render_template("members/email.html", errors=errors, message=message, values=values, member=g.member,
                           sent_to=sent_to)


@members.route("/account/email", methods=["GET", "POST"])
@signed_in
@page_with_form(_email_page)
def account_email():
    given = body(EmailIn)
    ask_password(given["current_password"])
    throttle.limit("email", str(g.member.id), LETTERS_FREE)
    with transaction() as db:
        emails.start(db, g.member, given["email"], _email_link)
    post.ask_worker()
    return _email_page({}, "", {}, sent_to=given["email"])


def _email_link(token: str) -> str:
    return current_app.config["LIVESTALL"].base_url + url_for("members.email_confirm", token=token)


def _confirm_page(errors, message, values, token):
    try:
        with reading() as db:
            member, new_email = emails.read(db, token)
    except NotFound:
        return make_response(render_template("members/email_confirm.html", works=False, message=""), 410)
    told = " ".join(errors.get("email", ())) or message
    return render_template("members/email_confirm.html", works=True, message=told, member=member, email=new_email)


# Public: the letter may be read on another device. Opening it changes nothing, as mail scanners open links.
@members.route("/account/email/<token>", methods=["GET", "POST"])
@public
@page_with_form(_confirm_page)
def email_confirm(token):
    try:
        with transaction() as db:
            member = emails.use(db, token)
    except NotFound:
        abort(_confirm_page({}, "", {}, token))
    post.ask_worker()
    flash(_("From now on you sign in with %(email)s.", email=member.email), "ok")
    if g.member and g.member.id == member.id:
        return devices.remember_device(_back(), member.email)
    return redirect(url_for("members.sign_in"), 303)


# -- Addresses

def _address_page(errors, message, values, address_id=None):
    with reading() as db:
        address = queries.access_address(db, address_id, g.member) if address_id else None
        first = address is None and not queries.addresses_of(db, g.member.id)
    shown = values or (queries.address_out(address) if address else
                       {"name": g.member.name, "country": likely_country(), "is_default": first})
    return render_template("members/address.html", errors=errors, message=message, values=shown, address=address,
                           countries=countries(), first=first)


@members.route("/account/addresses/new", methods=["GET", "POST"])
@signed_in
@page_with_form(_address_page)
def address_new():
    with transaction() as db:
        actions.add_address(db, g.member, **body(AddressIn))
    flash(_("The address is saved."), "ok")
    return _back("addresses")


@members.route("/account/addresses/<uuid:address_id>", methods=["GET", "POST"])
@signed_in
@page_with_form(_address_page)
def address_edit(address_id):
    with transaction() as db:
        actions.change_address(db, queries.access_address(db, address_id, g.member), **body(AddressIn))
    flash(_("The address is saved."), "ok")
    return _back("addresses")


@members.post("/account/addresses/<uuid:address_id>/default")
@signed_in
def address_default(address_id):
    with transaction() as db:
        actions.make_default(db, queries.access_address(db, address_id, g.member))
    return _back("addresses")


@members.post("/account/addresses/<uuid:address_id>/remove")
@signed_in
def address_remove(address_id):
    with transaction() as db:
        address = queries.access_address(db, address_id, g.member)
        was_default = address.is_default
        actions.remove_address(db, address)
    return _back("addresses", removed=address_id, **({"was_default": 1} if was_default else {}))


@members.post("/account/addresses/<uuid:address_id>/restore")
@signed_in
def address_restore(address_id):
    with transaction() as db:
        address = queries.access_address(db, address_id, g.member, removed=True)
        actions.restore_address(db, address, as_default=request.form.get("as_default") == "1")
    return _back("addresses")


# -- Sign-ins

@members.post("/account/sign-ins/end-others")
@signed_in
def sign_ins_end_others():
    with transaction() as db:
        actions.end_sign_ins(db, g.member.id, but=g.sign_in_id)
    flash(_("All other browsers are signed out."), "ok")
    return _back("sign-ins")


@members.post("/account/sign-ins/<uuid:sign_in_id>/end")
@signed_in
def sign_in_end(sign_in_id):
    with transaction() as db:
        identity.end_sign_ins(db, g.member.id, only=sign_in_id)
    return _back("sign-ins")

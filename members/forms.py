"""Pages with a form: a refusal shows the form again with what was typed and what is wrong with it."""
import functools

from flask import make_response, request

from core.errors import DomainError, SignInNeeded
from core.web import wants_json

# Never sent back to the browser.
SECRETS = frozenset({"password", "current_password", "csrf_token"})


def page_with_form(show):
    """`show(errors, message, values, **the view's own arguments)` renders the page; the decorated view handles POST.

    GET shows the empty page. A refused POST shows it with the status of the refusal (JSON gets the usual body).
    """
    def decorate(post):
        @functools.wraps(post)
        def view(*args, **kwargs):
            if request.method == "GET":
                return show({}, "", {}, *args, **kwargs)
            try:
                return post(*args, **kwargs)
            except DomainError as error:
                if wants_json() or error.status in (401, 403, 404, 503) or isinstance(error, SignInNeeded):
                    raise
                values = {name: value for name, value in request.form.items() if name not in SECRETS}
                answer = make_response(show(error.body()["fields"], str(error.message), values, *args, **kwargs))
                answer.status_code = error.status
                return answer
        return view
    return decorate

"""Who: identity, roles, merchants as tenants, access doors."""
from core import sockets
from members import models  # noqa: F401
from members.keys import models as key_models  # noqa: F401


def init_app(app) -> None:
    """Connect this package to the application."""
    from members import account, api, chores, identity, operator, people, post, ticks  # noqa: F401
    from members.countries import country_name
    from members.keys import ticks as key_ticks  # noqa: F401
    from members.keys import views as key_views  # noqa: F401
    from members.views import members, sign_in_url
    identity.init_app(app)
    post.init_app(app)
    app.config["SIGN_IN_URL"] = sign_in_url
    app.jinja_env.globals.update(my_shops=people.my_shops, country_name=country_name)
    if identity.load_member not in sockets.BEFORE_EVENT:
        sockets.BEFORE_EVENT.append(identity.load_member)
    app.register_blueprint(members)
    operator.init_app(app)

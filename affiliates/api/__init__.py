"""The JSON API under /api/v1: the doors of programs to what affiliates, shops and operators do on pages."""


def init_app(app) -> None:
    """Register the areas."""
    from affiliates.api import earning, own, platform, platform_payouts, shop, shop_holds, shop_rules, shop_settle
    from affiliates.api.docs import docs
    from core.web import csrf
    from members.identity import WITHOUT_MEMBER
    areas = [room.api for room in (own, earning, shop, shop_rules, shop_holds, shop_settle, platform_payouts, platform)]
    for area in areas:
        csrf.exempt(area)  # no cookie opens these doors
        app.register_blueprint(area)
    app.register_blueprint(docs)
    names = {area.name for area in areas}
    WITHOUT_MEMBER.update(rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] in names)

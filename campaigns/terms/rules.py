"""What must be true before a campaign is published, each with its reason in words. Pure: facts in, problems out."""
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from uuid import UUID

from flask_babel import gettext as _

Say = Callable[[int], str]  # an amount of the campaign's currency, in words


@dataclass(frozen=True)
class Terms:
    """A campaign as its rules see it."""
    name: str
    currency: str
    merchant_currency: str
    after_sale: str


@dataclass(frozen=True)
class Line:
    """An offer and what is known of its variant; amounts in minor units, `low_minor` of the last 30 days."""
    offer_id: UUID
    variant_id: UUID
    title: str
    price_minor: int
    allotment: int
    limit_per_member: int
    on_hand: int
    list_minor: int
    low_minor: int
    currency: str
    compare_at_minor: int | None = None
    cost_minor: int | None = None
    is_deal: bool = False
    after_sale: str | None = None
    archived: bool = False


@dataclass(frozen=True)
class Problem:
    """Why not, in words: `short` for the row, `title` and `message` for the panel, `fix` is what one press may set."""
    code: str
    short: str
    title: str
    message: str
    offer_id: UUID | None = None
    field: str | None = None
    fix: dict | None = None  # {"field": …, "value": …, "label": …}
    stops: bool = True

    def out(self) -> dict:
        return {**asdict(self), "offer_id": self.offer_id and str(self.offer_id)}


def check_campaign(terms: Terms, lines: list[Line], say: Say = str) -> list[Problem]:
    """All that stops publishing or deserves a warning, the campaign's own first, then offer by offer."""
    problems = [*_check_terms(terms), *_check_doubles(lines)]
    for line in lines:
        problems += check_offer(line, terms, say)
    return problems


def stops(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.stops]


def check_offer(line: Line, terms: Terms, say: Say = str) -> list[Problem]:
    """What is wrong with one offer."""
    found = (_archived(line), _currency(line, terms), _allotment(line), _limit(line), _deal(line, say),
             _compare_at(line, say), _full_price(line, terms, say), _cost(line, say))
    return [problem for problem in found if problem]


def _check_terms(terms: Terms) -> list[Problem]:
    problems = []
    if not terms.name.strip():
        problems.append(Problem("name", _("no name"), _("The campaign has no name."),
                                _("Buyers and your team know it by its name."), field="name"))
    if terms.currency != terms.merchant_currency:
        problems.append(Problem(
            "currency", _("wrong currency"),
            _("The campaign is in %(one)s, the shop in %(other)s.", one=terms.currency, other=terms.merchant_currency),
            _("A campaign sells in its shop's currency."), field="currency",
            fix={"field": "currency", "value": terms.merchant_currency,
                 "label": _("Set to %(value)s", value=terms.merchant_currency)}))
    return problems


def _check_doubles(lines: list[Line]) -> list[Problem]:
    if not lines:
        return [Problem("no_offers", _("no offers"), _("There is nothing to sell yet."),
                        _("Add at least one product."), field="offers")]
    count = Counter(line.variant_id for line in lines)
    return [Problem("double", _("twice"), _("%(title)s is offered twice.", title=line.title),
                    _("One product has one price in a campaign. Remove one of the two."), line.offer_id)
            for line in lines if count[line.variant_id] > 1]


def _archived(line: Line) -> Problem | None:
    if not line.archived:
        return None
    return Problem("archived", _("not in the catalogue"),
                   _("%(title)s was taken out of the catalogue.", title=line.title),
                   _("Bring it back there, or remove it here."), line.offer_id)


def _currency(line: Line, terms: Terms) -> Problem | None:
    if line.currency == terms.currency:
        return None
    return Problem("offer_currency", _("wrong currency"),
                   _("%(title)s is priced in %(one)s, the campaign in %(other)s.", title=line.title, one=line.currency,
                     other=terms.currency),
                   _("Give it a price in %(other)s in the catalogue, or remove it here.", other=terms.currency),
                   line.offer_id, "price_minor")


def _allotment(line: Line) -> Problem | None:
    fix = None
    if line.on_hand > 0:
        fix = {"field": "allotment", "value": line.on_hand, "label": _("Set to %(value)s", value=line.on_hand)}
    if line.allotment < 1:
        return Problem("nothing", _("no units"), _("%(title)s: no units are offered.", title=line.title),
                       _("Say how many of the %(on_hand)s in stock go into the show.", on_hand=line.on_hand)
                       if line.on_hand else _("None are in stock either. Receive some, or remove it."),
                       line.offer_id, "allotment", fix)
    over = line.allotment - line.on_hand
    if over <= 0:
        return None
    return Problem("allotment", _("%(over)s too many", over=over),
                   _("%(title)s: %(allotment)s offered, %(on_hand)s in stock.", title=line.title,
                     allotment=line.allotment, on_hand=line.on_hand),
                   _("Lower the allotment or receive %(over)s more.", over=over), line.offer_id, "allotment", fix)


def _limit(line: Line) -> Problem | None:
    if line.allotment < 1 or line.limit_per_member <= line.allotment:
        return None
    return Problem("limit", _("limit too high"),
                   _("%(title)s: the limit of %(limit)s is more than there are.", title=line.title,
                     limit=line.limit_per_member),
                   _("Only %(allotment)s are offered.", allotment=line.allotment), line.offer_id, "limit_per_member",
                   {"field": "limit_per_member", "value": line.allotment,
                    "label": _("Set to %(value)s", value=line.allotment)})


def _deal(line: Line, say: Say) -> Problem | None:
    # Directive 98/6/EC, article 6a: a price reduction is measured at the lowest price of the last 30 days.
    if not line.is_deal or line.price_minor < line.low_minor:
        return None
    better = below(line.low_minor)
    fix = better and {"field": "price_minor", "value": better, "label": _("Set to %(value)s", value=say(better))}
    return Problem("deal", _("not a deal"),
                   _("%(title)s: %(price)s is no deal.", title=line.title, price=say(line.price_minor)),
                   _("Its lowest price of the last 30 days was %(low)s. Ask less, or do not call it a deal.",
                     low=say(line.low_minor)), line.offer_id, "price_minor", fix or None)


def _compare_at(line: Line, say: Say) -> Problem | None:
    if line.compare_at_minor is None or line.compare_at_minor > line.price_minor:
        return None
    return Problem("compare_at", _("full price too low"),
                   _("%(title)s: the full price of %(full)s is not above %(price)s.", title=line.title,
                     full=say(line.compare_at_minor), price=say(line.price_minor)),
                   _("Raise the full price or lower the price."), line.offer_id, "compare_at_minor",
                   _list_fix(line, say))


def _full_price(line: Line, terms: Terms, say: Say) -> Problem | None:
    if line.compare_at_minor is not None or (line.after_sale or terms.after_sale) != "full_price":
        return None
    return Problem("full_price", _("no full price"), _("%(title)s has no full price.", title=line.title),
                   _("After the flash sale it is sold at full price, so say which."), line.offer_id,
                   "compare_at_minor", _list_fix(line, say))


def _cost(line: Line, say: Say) -> Problem | None:
    if line.cost_minor is None or line.price_minor >= line.cost_minor:
        return None
    return Problem("below_cost", _("below cost"),
                   _("%(title)s costs you %(cost)s.", title=line.title, cost=say(line.cost_minor)),
                   _("You lose %(loss)s on each one sold.", loss=say(line.cost_minor - line.price_minor)),
                   line.offer_id, "price_minor", stops=False)


def _list_fix(line: Line, say: Say) -> dict | None:
    if line.list_minor <= line.price_minor:
        return None
    return {"field": "compare_at_minor", "value": line.list_minor,
            "label": _("Set to %(value)s", value=say(line.list_minor))}


def below(low_minor: int) -> int | None:
    """A price under `low_minor` as shops write it: the next one down that ends in 9; None if nothing is below."""
    if low_minor <= 10:
        return low_minor - 1 or None
    return (low_minor - 10) // 10 * 10 + 9

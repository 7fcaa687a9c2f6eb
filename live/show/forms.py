"""What the plan page sends."""
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, post_load, validate

from core import clock
from core.web import In
from live.schemas import Strict
from live.show.actions import MOST_ITEMS

Words = _l("Write 1 to %(most)s characters.", most=120)
# A show in two years is a slip of the keyboard.
FURTHEST = timedelta(days=400)


def not_absurd(moment: datetime, field: str = "starts_at") -> None:
    if abs(moment - clock.now()) > FURTHEST:
        raise ValidationError(_("Choose a day within a year."), field)


class Start(fields.AwareDateTime):
    """A moment with its zone (ISO 8601), within a year, kept in UTC to the minute."""

    def __init__(self, **kwargs):
        super().__init__(format="iso", validate=not_absurd, **kwargs)

    def _deserialize(self, value, attr, data, **kwargs):
        moment = super()._deserialize(value, attr, data, **kwargs)
        return moment.astimezone(UTC).replace(second=0, microsecond=0)


class ScheduleIn(In):
    """A new show. `starts_at` is made by the page from `starts_local` in the viewer's zone; without a script it is
    empty, and `starts_local` is read as UTC, as the page then says."""
    title = fields.String(required=True, validate=validate.Length(1, 120, error=Words))
    campaign_id = fields.UUID(required=True)
    starts_local = fields.NaiveDateTime(required=True, format="iso")
    starts_at = fields.String(load_default="")

    @post_load
    def moment(self, data, **_more):
        try:
            given, local = data["starts_at"], data["starts_local"]
            start = datetime.fromisoformat(given) if given else local.replace(tzinfo=UTC)
            data["starts_at"] = start.astimezone(UTC).replace(second=0, microsecond=0)
        except ValueError:
            raise ValidationError(_("Choose a day and a time."), "starts_local") from None
        not_absurd(data["starts_at"], "starts_local")
        return data


class ItemIn(In):
    id = fields.UUID(required=True, allow_none=True)
    offer_id = fields.UUID(required=True, allow_none=True)
    title = fields.String(required=True, validate=validate.Length(max=120))
    minutes = Strict(required=True, validate=validate.Range(min=1, max=600))
    points = fields.String(load_default="", validate=validate.Length(max=2000))


class PlanIn(In):
    title = fields.String(required=True, validate=validate.Length(1, 120, error=Words))
    description = fields.String(load_default="", validate=validate.Length(max=1000))
    starts_at = Start(required=True)
    host_id = fields.UUID(required=True)
    assistants = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=50))
    items = fields.List(fields.Nested(ItemIn), required=True, validate=validate.Length(max=MOST_ITEMS))


class CoverIn(In):
    csrf_token = fields.String(load_default="")
    picture = fields.Raw(load_default=None)
    remove = fields.Boolean(load_default=False)

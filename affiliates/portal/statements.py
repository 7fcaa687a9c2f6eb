"""Statements: the page of months, the files, and the checker to take along."""
from pathlib import Path

from flask import Response, render_template, request, stream_with_context
from flask_babel import gettext as _

from affiliates import verify
from affiliates.portal import statement
from affiliates.portal.doors import own, portal
from core.clock import now
from core.db import reading
from members.access import public, signed_in


@portal.get("/affiliate/statements")
@signed_in
def statements():
    with reading() as db:
        affiliate = own(db)
        return render_template("affiliates/statements.html", affiliate=affiliate,
                               months=statement.months(db, affiliate.id))


@portal.get("/affiliate/statement.csv")
@signed_in
def statement_csv():
    month = request.args.get("month")
    statement.period(month)
    with reading() as db:
        affiliate_id = own(db).id

    def pieces():
        with reading() as db:
            yield from statement.statement_csv(db, affiliate_id, month)
    return Response(stream_with_context(pieces()), mimetype="text/csv; charset=utf-8", headers=_file(month, "csv"))


@portal.get("/affiliate/statement.pdf")
@signed_in
def statement_as_pdf():
    from affiliates.portal.pdf import statement_pdf  # late: its library is 0.1 s of each process's start
    month = request.args.get("month")
    with reading() as db:
        affiliate = own(db)
        title = _("Statement of %(month)s", month=month) if month else _("Statement of all time")
        data = statement_pdf(statement.rows(db, affiliate.id, month), affiliate.display_name, title,
                             _("made on %(day)s", day=f"{now():%Y-%m-%d %H:%M} UTC"))
    return Response(data, mimetype="application/pdf", headers=_file(month, "pdf"))


def _file(month: str | None, kind: str) -> dict:
    return {"Content-Disposition": f'attachment; filename="livestall-statement-{month or "all"}.{kind}"',
            "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@portal.get("/affiliate/verify.py")
@public
def checker():
    """The program that checks a statement: it needs nothing but Python."""
    return Response(Path(verify.__file__).read_text(encoding="utf-8"), mimetype="text/x-python",
                    headers={"Content-Disposition": 'attachment; filename="verify.py"'})

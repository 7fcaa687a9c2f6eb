"""The statement as PDF. Chinese is set in a font that every reader brings (docs/decisions/0070)."""
import io

from flask_babel import gettext as _
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

from affiliates.commission.tell import state_of
from affiliates.portal import words
from affiliates.portal.statement import TooLong
from core.i18n import money_text

# 2,000 lines are 60 pages and 3 s; who has more takes the CSV.
MOST_LINES = 2000
LATIN, CHINESE = "Helvetica", "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def statement_pdf(rows, name: str, title: str, made: str) -> bytes:
    """The file. `rows` are those of statement.rows; `made` says when. Raises TooLong."""
    lines, sums = _collect(rows)
    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=A4, title=title, author="Livestall", leftMargin=15 * mm,
                                 rightMargin=15 * mm, topMargin=16 * mm, bottomMargin=16 * mm)
    story = [_paragraph(title, 17, bold=True), _paragraph(f"{name} · {made}", 9), Spacer(1, 5 * mm)]
    if lines:
        story += [_table(lines, (20, 24, 58, 30, 25, 23)), Spacer(1, 4 * mm), _sums(sums)]
    else:
        story.append(_paragraph(_("No commission in this time."), 10))
    story += [Spacer(1, 5 * mm), _paragraph(_(
        "All times are UTC. Each amount is what the buyer paid for the line, after coupons, times the rate, rounded "
        "half up once. The CSV of the same name has every term; with it you can compute all of this again."), 8)]
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


def _collect(rows) -> tuple[list, dict]:
    lines, sums, last = [], {}, None
    for row in rows:
        if row.id == last:
            continue  # a further change of the same line: reversed_minor has all of them
        last = row.id
        if len(lines) == MOST_LINES:
            raise TooLong(_("That is too long for a PDF. Please take the CSV, or one month."))
        sum_ = sums.setdefault(row.currency, [0, 0])
        sum_[0] += row.amount_minor
        sum_[1] += row.reversed_minor
        lines.append(_cells(row))
    return lines, sums


def _cells(row) -> list:
    def money(minor):
        return money_text(minor, row.currency)
    pays = words.percent(row.rate_ppm) if row.rate_ppm is not None else f"{row.quantity} × {money(row.flat_minor)}"
    how = f"{money(row.base_minor)} × {pays}" if row.rate_ppm is not None else pays
    gone = f"{money(row.amount_minor)} - {money(row.reversed_minor)}" if row.reversed_minor else ""
    state = words.states()[state_of(row, row.settled)][0]
    what = row.title if row.quantity == 1 else f"{row.title} × {row.quantity}"
    return [f"{row.created_at:%Y-%m-%d}", f"{row.number}", what, how,
            f"{money(row.amount_minor - row.reversed_minor)}" + (f"\n{gone}" if gone else ""), state]


def _table(lines: list, widths) -> Table:
    head = [_("Day"), _("Order"), _("What"), _("Price × rate"), _("Commission"), _("State")]
    cells = [[_paragraph(text, 8, bold=True) for text in head]]
    cells += [[_paragraph(text, 8) for text in line] for line in lines]
    return Table(cells, colWidths=[width * mm for width in widths], repeatRows=1, style=[
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.HexColor("#c9cfcc")), ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2), ("TOPPADDING", (0, 0), (-1, -1), 2)])


def _sums(sums: dict) -> Table:
    cells = [[_paragraph(text, 9, bold=True) for text in (
        _("Currency"), _("Earned"), _("Taken back"), _("Left for you"))]]
    for currency, (amount, back) in sorted(sums.items()):
        cells.append([_paragraph(text, 10, bold=place == 3) for place, text in enumerate((
            currency, money_text(amount, currency), money_text(back, currency), money_text(amount - back, currency)))])
    return Table(cells, colWidths=[45 * mm] * 4, style=[("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black)])


def _paragraph(text: str, size: float, bold: bool = False) -> Paragraph:
    """Text as text: what looks like markup is not. Each paragraph takes the font that has its signs."""
    font = LATIN if _is_latin(text) else CHINESE
    style = ParagraphStyle("", fontName="Helvetica-Bold" if bold and font == LATIN else font, fontSize=size,
                           leading=size * 1.35, wordWrap=None if font == LATIN else "CJK")
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\n", "<br/>")):
        text = text.replace(sign, safe)
    return Paragraph(text, style)


def _is_latin(text: str) -> bool:
    """Whether Helvetica can write it: the signs of Windows-1252, which has £ € ¥ and ×."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _number(canvas, document) -> None:
    canvas.setFont(LATIN, 8)
    canvas.drawRightString(A4[0] - 15 * mm, 9 * mm, str(document.page))

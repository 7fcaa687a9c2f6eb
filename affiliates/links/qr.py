"""A link's address as a QR code."""
import io

import segno


def qr(address: str, kind: str) -> tuple[bytes, str]:
    """(file, media type) of the code as "svg" or "png". A seventh of it may be dirty or torn (error level M)."""
    out = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    if kind == "png":
        code.save(out, kind="png", scale=12, border=4)  # 12 px a module: sharp at 8 cm in print
        return out.getvalue(), "image/png"
    code.save(out, kind="svg", scale=1, border=4, svgns=True, xmldecl=False, omitsize=True)
    return out.getvalue(), "image/svg+xml"

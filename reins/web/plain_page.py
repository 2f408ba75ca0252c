"""Pages of the server's own for a person: they need no script, no asset and no build."""

import hashlib
from base64 import b64encode
from html import escape

from werkzeug.wrappers import Response

_STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 15vh auto 0; max-width: 26rem; padding: 0 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
p { overflow-wrap: anywhere; }
form { display: grid; gap: .5rem; margin-top: 1rem; }
input, button { border: 1px solid GrayText; border-radius: 4px; font: inherit; padding: .4rem; }
.wrong { color: light-dark(#a4161a, #ff9b9b); }
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title} · Reins</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src data:; "
    f"style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


def plain_page(status: int, title: str, body: str, headers: dict[str, str]) -> Response:
    """A page with that `body`, which is HTML; for this request alone."""
    return Response(
        _PAGE.format(title=escape(title), style=_STYLE, body=body),
        status,
        {
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            **headers,
        },
        mimetype="text/html",
    )


def nothing_here(path: str, start: str) -> Response:
    """The page for an address that nothing is at; `start` leads to the sessions."""
    body = (
        f"<h1>There is nothing at {escape(path[:200])}</h1>\n"
        f'<p><a href="{escape(start)}">Go to the sessions</a>, or read '
        f'<a href="{escape(start)}api/openapi.json">which addresses a program may ask</a>.</p>'
    )
    return plain_page(404, "Nothing here", body, {"Referrer-Policy": "no-referrer"})

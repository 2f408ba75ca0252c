"""The page that asks a browser for the token: one form, which needs no script and no asset."""

import hashlib
from base64 import b64encode

from werkzeug.wrappers import Response

_STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 15vh auto 0; max-width: 26rem; padding: 0 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
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
<title>Token · Reins</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Reins asks for its token</h1>
<p>It is the value of <code>REINS_TOKEN</code>. Where none was set, it is in the address that was \
printed at the start.</p>
{wrong}
<form method="post">
<input autocomplete="username" value="reins" hidden>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open Reins</button>
</form>
</main>
</body>
</html>
"""
_WRONG = '<p class="wrong" role="alert">The token that was given is not the right one.</p>'
_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src data:; "
    f"style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


def token_page(*, wrong: bool) -> Response:
    """The page; `wrong` says that one was given."""
    return Response(
        _PAGE.format(style=_STYLE, wrong=_WRONG if wrong else ""),
        401,
        {
            "WWW-Authenticate": "Bearer",
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            # The form is sent from here: with no-referrer, its Origin would be null.
            "Referrer-Policy": "same-origin",
        },
        mimetype="text/html",
    )

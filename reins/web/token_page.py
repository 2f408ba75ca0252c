"""The page that asks a browser for the token: one form, which needs no script and no asset."""

from werkzeug.wrappers import Response

from reins.web.plain_page import plain_page

_BODY = """\
<h1>Reins asks for its token</h1>
<p>It is the value of <code>REINS_TOKEN</code>. Where none was set, it is in the address that was \
printed at the start.</p>
{wrong}
<form method="post">
<input autocomplete="username" value="reins" hidden>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open Reins</button>
</form>"""
_WRONG = '<p class="wrong" role="alert">The token that was given is not the right one.</p>'


def token_page(*, wrong: bool) -> Response:
    """The page; `wrong` says that one was given."""
    return plain_page(
        401,
        "Token",
        _BODY.format(wrong=_WRONG if wrong else ""),
        # The form is sent from here: with no-referrer, its Origin would be null.
        {"WWW-Authenticate": "Bearer", "Referrer-Policy": "same-origin"},
    )

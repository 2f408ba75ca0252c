"""Signatures of what is sent, so that who is called knows by whom.

Source: Standard Webhooks, https://www.standardwebhooks.com, symmetric signatures.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def key_of(secret: str) -> bytes:
    """The key that the secret stands for. Raises: ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError(
            f"expected {PREFIX} and 24 to 64 random bytes in base64; make one: "
            f'echo "{PREFIX}$(openssl rand -base64 32)"'
        )
    return key


def headers(secret: str | None, call_id: str, sent_at_s: int, body: bytes) -> Mapping[str, str]:
    """The headers that name a call, and sign it where there is a secret."""
    named = {"webhook-id": call_id, "webhook-timestamp": str(sent_at_s)}
    if secret is not None:
        signed = b"%s.%d.%s" % (call_id.encode(), sent_at_s, body)
        digest = hmac.digest(key_of(secret), signed, hashlib.sha256)
        named["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return named

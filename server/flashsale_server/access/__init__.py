"""Access: who may reach the server, and what each may ask.

It knows certificates, credentials and the names of RPCs, and nothing of sales.
"""

from flashsale_server.access.certificates import Certificates, CertificatesUnusable
from flashsale_server.access.guard import Guard, Identity, sole
from flashsale_server.access.jwts import VerifyingKey, verifying_keys
from flashsale_server.access.roles import Role, may_ask
from flashsale_server.access.tokens import KeptToken, kept_tokens, new_token
from flashsale_server.access.watched_file import FileUnusable, WatchedFile

__all__ = [
    "Certificates",
    "CertificatesUnusable",
    "FileUnusable",
    "Guard",
    "Identity",
    "KeptToken",
    "Role",
    "VerifyingKey",
    "WatchedFile",
    "kept_tokens",
    "may_ask",
    "new_token",
    "sole",
    "verifying_keys",
]

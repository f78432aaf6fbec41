"""Access: who may reach the server, and what each may ask.

It knows credentials and the names of RPCs, and nothing of sales.
"""

from flashsale_server.access.certificates import Certificates, CertificatesUnusable

__all__ = ["Certificates", "CertificatesUnusable"]

"""Certificates: the server's own, and whose it trusts, from files that may change meanwhile.

Each new connection gets what the files say then; connections that are open go on. When the files
have been changed into something that cannot be used, what they said before goes on to count, and
the log says so.
"""

import ssl
from pathlib import Path
from typing import Final

import grpc
import structlog

# Of a file that was replaced the inode has changed, whatever its clock says.
_Stamp = tuple[tuple[int, int, int], ...]

_OLDEST: Final = ssl.TLSVersion.TLSv1_2

_log = structlog.get_logger(__name__)


class CertificatesUnusable(Exception):
    """The files are missing, cannot be read, or do not belong together."""


class Certificates:
    """What the server shows, and what it asks clients to show.

    Args:
        cert: a file with the server's certificate, and those between it and the root, as PEM.
        key: a file with its private key, as PEM.
        client_ca: a file with the roots of the clients' certificates; None when they need none.

    Raises:
        CertificatesUnusable: the files cannot be used.
    """

    def __init__(self, cert: Path, key: Path, client_ca: Path | None = None) -> None:
        self._cert = cert
        self._key = key
        self._client_ca = client_ca
        self._stamp = self._stamp_now()
        self._context = self._context_now()

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """The credentials of a gRPC port."""
        seen = self._stamp

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal seen
            self._look()
            if self._stamp == seen:
                return None
            seen = self._stamp
            return self._grpc_configuration()

        return grpc.dynamic_ssl_server_credentials(
            self._grpc_configuration(),
            changed,  # type: ignore[arg-type]  # None stands for no change, which the types do not know
            require_client_authentication=self._client_ca is not None,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """The context of an HTTP port, which goes over to a newer one at each handshake."""
        return self._context

    def _grpc_configuration(self) -> grpc.ServerCertificateConfiguration:
        roots = self._client_ca.read_bytes() if self._client_ca else None
        pair = (self._key.read_bytes(), self._cert.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)

    def _look(self) -> None:
        """Take over what the files say now, if that has changed and can be used."""
        try:
            stamp = self._stamp_now()
            if stamp == self._stamp:
                return
            self._context = self._context_now()
        except CertificatesUnusable as error:
            _log.warning("the changed certificates cannot be used", why=str(error))
            return
        self._stamp = stamp
        _log.info("certificates read", cert=str(self._cert))

    def _context_now(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _OLDEST
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._cert, self._key)
        except (OSError, ssl.SSLError) as error:
            raise CertificatesUnusable(
                f"{self._cert} and {self._key} are no certificate and its key: {_reason(error)}"
            ) from error
        if self._client_ca is not None:
            try:
                context.load_verify_locations(self._client_ca)
            except (OSError, ssl.SSLError) as error:
                raise CertificatesUnusable(
                    f"{self._client_ca} has no certificates to trust: {_reason(error)}"
                ) from error
            context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = self._newest
        return context

    def _newest(self, connection: ssl.SSLObject, _: str | None, used: ssl.SSLContext) -> None:
        """Called at the beginning of each handshake, whether the client names a server or not."""
        self._look()
        if used is not self._context:
            connection.context = self._context

    def _stamp_now(self) -> _Stamp:
        files = (self._cert, self._key, *([self._client_ca] if self._client_ca else []))
        try:
            states = [file.stat() for file in files]
        except OSError as error:
            raise CertificatesUnusable(f"{error.filename}: {error.strerror}") from error
        return tuple((state.st_mtime_ns, state.st_ino, state.st_size) for state in states)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

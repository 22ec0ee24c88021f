"""Reads a certificate, and tries a handshake with it as clients make it, in memory."""

from __future__ import annotations

import ssl
from datetime import UTC
from pathlib import Path

from cryptography import x509

from fanout.errors import ConfigurationError
from fanout.server.doctor.certificate import CertificateFacts
from fanout.server.doors import tls_context


def look_at_certificate(certificate: Path, key: Path) -> CertificateFacts:
    """What can be known of these two files. Never raises for what is wrong with them."""
    try:
        context = tls_context(certificate, key)
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except ConfigurationError as error:
        return CertificateFacts(certificate, key, refused=error.detail)
    except (OSError, ValueError) as error:
        return CertificateFacts(certificate, key, refused=f"{certificate} can't be read: {error}.")
    names = _names(leaf)
    return CertificateFacts(
        certificate,
        key,
        names=names,
        begins=leaf.not_valid_before_utc.astimezone(UTC),
        ends=leaf.not_valid_after_utc.astimezone(UTC),
        key_mode=key.stat().st_mode & 0o777,
        distrust=distrust_of(context, ssl.create_default_context()),
    )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def distrust_of(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """Why such a client refuses a server with this context; None when it does not. Names and days are judged
    elsewhere, and more plainly: here only the chain counts."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):  # of two and a half turns that a handshake takes
        for side in (asking, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                expired = error.verify_code in (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED
                return None if expired else error.verify_message
            except ssl.SSLError as error:
                return error.reason or str(error)
    return None

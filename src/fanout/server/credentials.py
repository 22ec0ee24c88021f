"""Keys and certificates as the settings name them: read, checked, and turned into what signs, verifies and encrypts."""

from __future__ import annotations

import secrets

from fanout.errors import ConfigurationError
from fanout.server.data_directory import SECRET_BYTES, check_directory, secret_of
from fanout.server.doors import tls_context
from fanout.server.settings import Config
from fanout.web.tokens import Tokens


def tokens_of(config: Config) -> Tokens:
    """What issues and checks this server's tokens.

    The secret is the one that is set, else that of the data directory (made on first use); a server in memory without
    one draws a secret that dies with it.

    Raises:
        ConfigurationError: A key or the secret can't be used.
    """
    if config.secret is not None:
        secret = config.secret
    elif config.memory:
        secret = secrets.token_urlsafe(SECRET_BYTES)
    else:
        secret = secret_of(config.data)
    return Tokens(secret.encode(), _public_keys(config))


def check_files(config: Config) -> None:
    """Look at every file that the settings name, and change none.

    Raises:
        ConfigurationError: The first that a server could not use.
    """
    Tokens(b"a stand-in, so that the keys are checked", _public_keys(config))
    if config.tls_cert is not None and config.tls_key is not None:
        tls_context(config.tls_cert, config.tls_key)
    if not config.memory:
        check_directory(config.data)


def _public_keys(config: Config) -> list[bytes]:
    found = []
    for path in config.public_keys:
        try:
            pem = path.read_bytes()
            Tokens(None, [pem])
        except OSError as error:
            raise ConfigurationError("public_keys", f"{path} can't be read: {error.strerror}.") from None
        except ConfigurationError as error:
            raise ConfigurationError("public_keys", f"{path}: {error.detail}") from None
        found.append(pem)
    return found

"""The URL of a Redis, with what the configuration keeps elsewhere."""

from urllib.parse import quote

from enricher.config import StoreConfig
from enricher.errors import ConfigError, UsageError
from enricher.join.link import check
from enricher.join.settings import StoreSettings
from enricher.service.secret import reveal
from enricher.sinks.settings import Secret


def with_credentials(url: str, username: str | None, password: Secret | None, settings: StoreSettings) -> str:
    """The URL with user and password, checked as far as that goes without talking to anybody.

    Raises:
        ConfigError: it cannot be read, holds credentials itself, or the password cannot be used.
    """
    try:
        check(url, settings)
    except UsageError as error:
        raise ConfigError(error.message, error.advice) from None
    scheme, separator, rest = url.partition("://")  # of a cluster it names several hosts, which no URL parser takes
    if "@" in rest.partition("/")[0]:
        raise ConfigError("the URL holds credentials", "give username and password in their own keys")
    if password is None:
        if username is not None:
            raise ConfigError("username has no password", "give password too")
        return url
    user = f"{quote(username or '', safe='')}:{quote(reveal(password), safe='')}"
    return f"{scheme}{separator}{user}@{rest}"


def store_url(store: StoreConfig) -> str | None:
    """The URL of the store, if it has one: with its credentials, wherever they are.

    Raises:
        ConfigError: they cannot be used.
        UsageError: the URL cannot be read.
    """
    if store.url is None or (store.username is None and store.password is None):
        return store.url
    try:
        return with_credentials(store.url, store.username, store.password, store)
    except ConfigError as error:
        raise ConfigError(f"store: {error.message}", error.advice) from error

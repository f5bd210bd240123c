"""Our own faults, one class per noun. Malformed traffic and logs are data, not exceptions (see `model`)."""


class An1496Error(Exception):
    """Root of every error this package raises on purpose.

    The message is one line that says what went wrong and where; `advice` says what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}: {self.advice}" if self.advice else self.message


class UsageError(An1496Error):
    """The command line is wrong."""

    exit_code = 2


class ConfigError(An1496Error):
    """The configuration file cannot be read, or a value in it cannot be used."""

    exit_code = 2


class InputError(An1496Error):
    """One input cannot be read, or not to its end; the others go on."""


class StoreError(An1496Error):
    """Redis is away, refuses us, or lost what it held."""


class OutputError(An1496Error):
    """A result cannot be written: disk full, no permission."""


class DeliveryError(An1496Error):
    """A sink cannot be reached, or refuses us."""


class RegistryError(An1496Error):
    """A format, anomaly, evidence or sink is missing or stands twice: a fault of the code, found at import."""

"""What a format is, and who the records say that they come from."""

from collections.abc import Callable
from typing import NamedTuple

from enricher.model.text import clean
from enricher.model.verdict import Notice


class Origin(NamedTuple):
    """Who tells: stands in the records where their format has a place for it."""

    host: str | None = None
    """Name of the machine we run on; None: unknown."""
    version: str = "0"
    """Version of this program."""


class Encoding(NamedTuple):
    """One format."""

    id: str
    write: Callable[[Notice, Origin], bytes]
    content_type: str
    header: bytes = b""
    """What a file of such records begins with."""

    def encode(self, notice: Notice, origin: Origin) -> bytes:
        """One record, without newline. Text from outside is made harmless first, whoever made the notice."""
        return self.write(clean(notice), origin)

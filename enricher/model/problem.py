"""What went wrong with an input, told to the user in one line; the rest of the input goes on."""

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that could not be read."""

    where: str
    """File and line, frame, record or byte offset."""
    what: str
    advice: str = ""
    """What the user can do about it; empty when nothing needs doing."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.advice}" if self.advice else "")

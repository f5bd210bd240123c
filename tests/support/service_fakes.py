"""A log and a clock's turns, for a service or a forwarder under test."""

from typing import Any


class Log:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, _level: str) -> Any:
        return lambda event, **more: self.lines.append((event, more))

    def __contains__(self, event: str) -> bool:
        return bool(self.said(event))

    def said(self, event: str) -> list[dict[str, Any]]:
        return [more for said, more in self.lines if said == event]


class Turns:
    """Does something at each time that it is waited for more; says after the last that it is to end."""

    def __init__(self, *acts: Any) -> None:
        self.acts = list(acts)

    def __call__(self, seconds: float) -> bool:
        if seconds > 0 and self.acts:
            self.acts.pop(0)()
        return not self.acts

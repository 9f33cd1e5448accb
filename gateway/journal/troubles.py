"""What the journal has to tell about itself: each trouble once when it begins, and once when it ends."""

from __future__ import annotations

from gateway.model.trouble import TellTrouble, Trouble


class Troubles:
    """The journal's troubles. Used on the event loop only."""

    def __init__(self, tell: TellTrouble) -> None:
        """Nothing is told before `start`: when the journal is opened, nobody may be there to hear it."""
        self._tell = tell
        self._present: dict[tuple[str, str], str] = {}
        self._telling = False

    def start(self) -> None:
        """Tell what there is, and from now on at once."""
        if not self._telling:
            self._telling = True
            for (kind, subject), detail in self._present.items():
                self._tell(Trouble(kind=kind, subject=subject, present=True, detail=detail))

    def begin(self, kind: str, subject: str, detail: str) -> None:
        """Tell a trouble, unless it is told already."""
        if (kind, subject) not in self._present:
            self._present[kind, subject] = detail
            if self._telling:
                self._tell(Trouble(kind=kind, subject=subject, present=True, detail=detail))

    def end(self, kind: str, subject: str) -> None:
        """Tell the end of a trouble that was told."""
        if self._present.pop((kind, subject), None) is not None and self._telling:
            self._tell(Trouble(kind=kind, subject=subject, present=False))

"""One thing that `check` found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, whether it works, and a sentence.

    cure: what to do where it does not work, with the command or the key; never empty then.
    """

    subject: str
    works: bool
    sentence: str
    cure: str = ""

    def __post_init__(self) -> None:
        """Refuse a trouble without a cure."""
        if not self.works and not self.cure:
            raise ValueError(f"{self.subject}: what is to be done?")

    def __str__(self) -> str:
        told = f"{'ok     ' if self.works else 'TROUBLE'}  {self.subject}: {self.sentence}"
        return told if self.works else f"{told}\n         what to do: {self.cure}"


def fine(subject: str, sentence: str) -> Finding:
    """Return that a part works."""
    return Finding(subject, True, sentence)


def trouble(subject: str, sentence: str, cure: str) -> Finding:
    """Return that `run` would wait for a part, or refuse it, or that it does not do its work."""
    return Finding(subject, False, sentence, cure)

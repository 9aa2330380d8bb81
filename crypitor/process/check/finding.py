"""One thing that `check` found."""

from dataclasses import dataclass

from crypitor.runtime.terminal import visible


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, whether it works, and a sentence.

    cure: what to do where it does not work, or warns, with the command or the key; not empty then.
    warns: of what works and is not as it should be; the exit status stays 0.
    """

    subject: str
    works: bool
    sentence: str
    cure: str = ""
    warns: bool = False

    def __post_init__(self) -> None:
        """Refuse a trouble without a cure."""
        if (self.warns or not self.works) and not self.cure:
            raise ValueError(f"{self.subject}: what is to be done?")

    def __str__(self) -> str:
        word = "WARNING" if self.warns else "ok     " if self.works else "TROUBLE"
        told = visible(f"{word}  {self.subject}: {self.sentence}")
        return f"{told}\n         what to do: {visible(self.cure)}" if self.cure else told


def fine(subject: str, sentence: str) -> Finding:
    """Return that a part works."""
    return Finding(subject, True, sentence)


def warning(subject: str, sentence: str, cure: str) -> Finding:
    """Return that a part works, and is not as it should be."""
    return Finding(subject, True, sentence, cure, warns=True)


def trouble(subject: str, sentence: str, cure: str) -> Finding:
    """Return that `run` would wait for a part, or refuse it, or that it does not do its work."""
    return Finding(subject, False, sentence, cure)

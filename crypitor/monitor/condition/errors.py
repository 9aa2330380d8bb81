"""What a condition is refused for, and what keeps one from being answered."""


class ConditionError(ValueError):
    """A condition that cannot be saved; the text is a sentence for the person who wrote it.

    position: 0-based offset of the first character that is wrong.
    """

    def __init__(self, sentence: str, position: int) -> None:
        super().__init__(sentence)
        self.position = position


class EvaluationError(Exception):
    """A condition has no answer for a match: neither true nor false. The text says why."""

"""Turns away what is written in capitals."""

from fanout.plugins import ConfigurationError, RoomView, Submission, Verdict, hold, reject


class NoShouting:
    """Options:

    Args:
        most: Share of the letters that may be capitals, from 0 to 1.
        least_letters: Shorter texts may be shouted: `OK`, `SNCF`.
        reason: What the author of a rejected text reads.
    """

    name = "no-shouting"

    def __init__(
        self, *, most: float = 0.7, least_letters: int = 8, reason: str = "Please write this without so many capitals."
    ) -> None:
        if isinstance(most, bool) or not isinstance(most, int | float) or not 0 <= most <= 1:
            raise ConfigurationError("plugins.no-shouting.most", "a number from 0 to 1.")
        self.most, self.least_letters, self.reason = most, least_letters, reason

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        letters = [character for character in submission.text if character.isalpha()]
        if len(letters) < self.least_letters:
            return None
        share = sum(character.isupper() for character in letters) / len(letters)
        if share > self.most:
            return reject(self.reason, rule="capitals")
        if share > self.most / 2:
            return hold("Many capitals.", rule="some capitals")
        return None

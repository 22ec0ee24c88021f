"""Transcripts: what was said, for the public and for the house, in every form in which people keep such things."""

from fanout.moderation.transcript.comparing import first_difference
from fanout.moderation.transcript.content import View
from fanout.moderation.transcript.words import LANGUAGES
from fanout.moderation.transcript.writing import (
    TranscriptFormat,
    internal_transcript,
    public_transcript,
    transcript_format,
    transcript_view,
)

__all__ = [
    "LANGUAGES",
    "TranscriptFormat",
    "View",
    "first_difference",
    "internal_transcript",
    "public_transcript",
    "transcript_format",
    "transcript_view",
]

"""Why an answer of a SAML provider is refused."""

from __future__ import annotations

from typing import Final, Literal

Why = Literal["unsolicited", "browser", "shape", "signature", "status", "audience", "recipient", "time", "replay", "issuer", "name"]
SAYS: Final[dict[Why, str]] = {
    "unsolicited": "this login was not begun here, was used already, or took longer than ten minutes.",
    "browser": "this login was begun in another browser.",
    "shape": "the identity provider's answer is not one that is accepted here.",
    "signature": "the identity provider's answer is not signed as it must be.",
    "status": "the identity provider says that the login failed or was cancelled there.",
    "audience": "the identity provider's answer is for somebody else.",
    "recipient": "the identity provider's answer was to be delivered elsewhere.",
    "time": "the identity provider's answer is too old, or not valid yet.",
    "replay": "the identity provider's answer was used before.",
    "issuer": "the answer came from another identity provider than the one that was asked.",
    "name": "what the identity provider says of you is not accepted here.",
}


class AnswerRefused(Exception):
    """`detail` is for the log and the operator."""

    def __init__(self, why: Why, detail: str = "") -> None:
        self.why, self.detail = why, detail
        super().__init__(SAYS[why])

"""Content detection: finds sensitive content in bytes and overwrites it in place, so that every length stays right. Pure.

spans     what a detector answers, and how far one match may reach
cards     payment card numbers (Luhn)
chains    where in raw bytes a card can be
regular   cards with other separators than blanks and dashes
emails    addresses: the local part is hidden
ibans     account numbers (mod 97)
phones    international numbers
ssns      US social security numbers
keys      credentials of known issuers, tokens, private key blocks
own       an installation's own patterns
view      text without its JSON escapes, and the way back
disguise  characters that stand for others
document  overwriting inside a JSON document that must stay one
scanner   the detectors together: may_hold, find, hide
stream    the same over chunks
"""

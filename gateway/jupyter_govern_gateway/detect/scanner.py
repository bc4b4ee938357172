"""The detectors together. Everything is overwritten in place: lengths on the wire stay right.

Hiding looks twice. What is kept of one match may, next to an overwritten byte, become a part of another (the first six digits of
a card and the group before them); such a match is overwritten whole. Its ends were borders before, so there is nothing a third
look could find: hiding what was hidden changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from jupyter_govern_gateway.detect import cards, chains, emails, ibans, keys, phones, ssns
from jupyter_govern_gateway.detect.document import overwrite_json
from jupyter_govern_gateway.detect.own import Own
from jupyter_govern_gateway.detect.spans import REACH, Detector, Finding, Match, Span, overwrite, words
from jupyter_govern_gateway.detect.view import View

KEY: Final = "key"
_BORDERED: Final = (  # these look at the bytes beside them
    Detector("card", chains.hint, cards.find),
    Detector("phone", phones.hint, phones.find),
    Detector("us_ssn", ssns.hint, ssns.find),
)
_PLAIN: Final = (  # and these do not: no byte that is overwritten makes them another match
    Detector("email", emails.hint, emails.find),
    Detector("iban", ibans.hint, ibans.find),
)
NAMES: Final = frozenset({KEY, *(detector.name for detector in (*_BORDERED, *_PLAIN))})
_UNICODE: Final = b"\\u"  # may stand for any character a detector looks for
_WIDE: Final = frozenset({"card", "email"})  # these see through disguise, and their hints know of it
_CONTINUATION: Final = range(0x80, 0xC0)


class Scanner:
    """names: of the detectors to use; own: names and patterns. Raises ValueError for what it does not know or cannot use."""

    def __init__(self, names: Sequence[str], own: Mapping[str, str] | None = None) -> None:
        own = own or {}
        if unknown := sorted(set(names) - NAMES):
            raise ValueError(f"no such detector: {', '.join(unknown)}")
        if taken := sorted(set(own) & NAMES):
            raise ValueError(f"a detector has this name already: {', '.join(taken)}")
        self._bordered = [detector for detector in _BORDERED if detector.name in names]
        self._local = [*self._bordered, *(detector for detector in _PLAIN if detector.name in names)]
        self._keys, self._own = KEY in names, [Own(name, pattern) for name, pattern in own.items()]

    def may_hold(self, data: bytes) -> bool:
        """False: neither the data nor any part of it holds anything. Meant for raw buffers, before they are taken apart."""
        if (self._local or self._own) and _escaped(data):
            return True
        return (
            any(detector.hint(data) for detector in self._local)
            or (self._keys and keys.hint(data))
            or any(pattern.hint(data) for pattern in self._own)
        )

    def places(self, data: bytes) -> list[int] | None:
        """Offsets in a raw buffer, in order, near which alone something can be; None: anywhere."""
        if self._keys or self._own or _escaped(data) or any(d.name not in ("card", "email") for d in self._local):
            return None
        names = {detector.name for detector in self._local}
        found = chains.places(data) if "card" in names else []
        if "email" in names:
            found += emails.places(data)
        return sorted(found)

    def find(self, data: bytes, *, carry: keys.Carry | None = None) -> list[Finding]:
        """The spans to overwrite, in order; one match may have several, and spans of different matches may overlap."""
        found = [finding for finding in self._first(data, carry) if data[finding.start : finding.stop].strip(b"*")]
        if found and self._bordered:
            found += self._second(overwrite(data, _spans(found)))
        return sorted(found, key=lambda finding: (finding.start, finding.stop))

    def hide(self, data: bytes, *, json: bool = False) -> bytes:
        """The very same object when there is nothing to hide. json: the data is a JSON document and must stay one."""
        found = self.find(data)
        if not found:
            return data
        hidden = overwrite_json(data, found) if json else overwrite(data, _spans(found))
        return data if hidden == data else hidden

    def regions(self, data: bytes, carry: keys.Carry | None) -> list[keys.Region]:
        return keys.regions(data, carry) if self._keys and (carry is not None or keys.hint(data)) else []

    def _first(self, data: bytes, carry: keys.Carry | None) -> Iterator[Finding]:
        escaped = _escaped(data)
        hinted = [detector for detector in self._local if escaped or detector.hint(data)]
        if hinted:
            yield from _matched(hinted, data)
        for region in self.regions(data, carry):
            yield from (Finding(KEY, *span) for span in keys.shown(data, region))
        for pattern in self._own:
            if escaped or pattern.hint(data):
                yield from (Finding(pattern.name, *span) for span in pattern.find(data))

    def _second(self, data: bytes) -> Iterator[Finding]:
        for detector, view in _views(self._bordered, data):
            for match in detector.find(view.text):
                yield from _mapped(detector.name, view, match, words(view.text, match.start, match.stop))


def _escaped(data: bytes) -> bool:
    return b"\\" in data and _UNICODE in data  # one byte is found many times as fast


def _views(detectors: Iterable[Detector], data: bytes) -> Iterator[tuple[Detector, View]]:
    views: dict[bool, View] = {}
    for detector in detectors:
        wide = detector.name in _WIDE
        if wide not in views:
            views[wide] = View(data, wide=wide)
        yield detector, views[wide]


def _matched(detectors: Iterable[Detector], data: bytes) -> Iterator[Finding]:
    for detector, view in _views(detectors, data):
        for match in detector.find(view.text):
            yield from _mapped(detector.name, view, match, match.hide)


def _mapped(kind: str, view: View, match: Match, spans: Iterable[Span]) -> Iterator[Finding]:
    """Back to the data, and no further to the left than a stream can wait for the match to end."""
    if view.plain and match.stop - match.start <= REACH:
        for start, stop in spans:
            yield Finding(kind, start, stop)
        return
    least = view.raw(match.stop) - REACH
    if kind in _WIDE and view.raw(match.start) < least - REACH:
        return  # a disguise longer than a stream remembers
    for start, stop in spans:
        first = start
        while first < stop and (view.raw(first) < least or (first > start and view.text[first] in _CONTINUATION)):
            first += 1
        if first < stop:
            yield Finding(kind, view.raw(first), view.raw(stop))


def _spans(found: Iterable[Finding]) -> list[Span]:
    return [(finding.start, finding.stop) for finding in found]

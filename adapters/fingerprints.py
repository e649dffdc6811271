"""A registry of fingerprints that are compared by the bits in which they differ."""

from typing import Any

import numpy as np

from credlink_adapter import records_in, signed, verdict

# How many of the nearest registered pictures an answer names, whatever the threshold says.
NEAREST = 8


def in_store(found: str) -> dict[str, str]:
    """The carrier of every fingerprint: nothing in the file, and `found` says what a found means."""
    return {"name": "fingerprint", "place": "store", "describes": f"nothing in the file; found means that {found}"}


def answer(ids: list[str], scores: np.ndarray, order: np.ndarray, found: bool) -> dict[str, Any]:
    """The verdict for a received picture: the nearest registered one, `found` or not, and the runners-up."""
    candidates = [{"id": ids[at], "score": int(scores[at])} for at in order[:NEAREST]]
    if not candidates:
        return verdict("absent")
    nearest = candidates[0]
    return verdict(
        "found" if found else "absent",
        id=nearest["id"] if found else None,
        score=nearest["score"],
        candidates=candidates,
    )


class HammingRegistry:
    """Half of an adapter: signs by a record, seals, and finds the nearest record of equal length.

    The other half sets `score` with a threshold in bits and `fingerprint(path)`, an array of bytes.
    """

    keeps_records = True
    score: dict[str, Any]

    def __init__(self, hello: dict[str, Any] | None = None):
        self.ids: list[str] = []
        self.records = np.zeros((0, 0), np.uint8)

    def fingerprint(self, path: str) -> np.ndarray:
        raise NotImplementedError

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        return signed(media_type, changed=False, record=self.fingerprint(image).tobytes())

    def seal(self, registry: str) -> int:
        entries = list(records_in(registry))
        self.ids = [id for id, _ in entries]
        self.records = np.array([np.frombuffer(record, np.uint8) for _, record in entries])
        return len(entries)

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        query = self.fingerprint(image)
        if not self.ids:
            return verdict("absent")
        bits = np.bitwise_count(self.records ^ query).sum(axis=1, dtype=np.int64)
        # A stable sort: of equally near pictures the one registered first comes first.
        order = np.argsort(bits, kind="stable")
        return answer(self.ids, bits, order, bool(bits[order[0]] <= self.score["threshold"]))

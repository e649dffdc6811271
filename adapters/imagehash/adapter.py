"""imagehash: the DCT hash of 64 bits, or the crop-resistant hash of many segments."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import packages, records_in, serve, signed, variant, verdict

with packages():
    VERSION = version("ImageHash")
    import imagehash
    import numpy
    import pictures
    from fingerprints import HammingRegistry, answer, in_store

# Bytes of one hash: phash and the dhash of a segment both have the library's usual 8 by 8 bits.
HASH_BYTES = 8
# A segment matches one that differs in a quarter of its bits or less: the library's usual bit_error_rate.
SEGMENT_BITS = 16


class ImageHash:
    version = VERSION
    licence = "BSD-2-Clause"
    source = "https://github.com/JohannesBuchner/imagehash"
    inputs = pictures.READABLE


class Phash(ImageHash, HammingRegistry):
    name = "imagehash/phash"
    carrier = in_store("a registered phash differs in 10 of 64 bits or fewer")
    # The library gives no threshold; 10 of 64 bits is the one in common use.
    score = {"unit": "bits", "rising": False, "threshold": 10}

    def fingerprint(self, path: str) -> numpy.ndarray:
        return numpy.packbits(imagehash.phash(pictures.opened(path)).hash)


class CropResistant(ImageHash):
    name = "imagehash/crop-resistant"
    carrier = in_store("one segment or more matches a registered picture's")
    # The number by which the library's best_match ranks, in thousandths: matching segments, less the share of their
    # bits that differ. That share is a quarter at most, so one matching segment is 750 or more, and none is 0.
    score = {"unit": "thousandths of a segment", "rising": True, "threshold": 750}
    keeps_records = True

    def __init__(self, hello: dict[str, Any]):
        self.ids: list[str] = []

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        return signed(media_type, changed=False, record=segments(image).tobytes())

    def seal(self, registry: str) -> int:
        entries = list(records_in(registry))
        self.ids = [id for id, _ in entries]
        joined = b"".join(record for _, record in entries)
        self.segments = numpy.frombuffer(joined, numpy.uint8).reshape(-1, HASH_BYTES)
        lengths = numpy.array([len(record) // HASH_BYTES for _, record in entries], numpy.int64)
        self.starts = numpy.concatenate(([0], numpy.cumsum(lengths)[:-1])).astype(numpy.int64)
        return len(entries)

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        query = segments(image)
        if not self.ids:
            return verdict("absent")
        # For each segment of the query, how far the nearest segment of each registered picture is.
        bits = numpy.bitwise_count(query[:, None] ^ self.segments[None]).sum(axis=2, dtype=numpy.int64)
        nearest = numpy.minimum.reduceat(bits, self.starts, axis=1)
        matching = nearest <= SEGMENT_BITS
        matches = matching.sum(axis=0)
        differing = (nearest * matching).sum(axis=0)
        shares = differing / numpy.maximum(matches, 1) / (HASH_BYTES * 8)
        scores = numpy.rint(1000 * (matches - shares)).astype(numpy.int64)
        order = numpy.argsort(-scores, kind="stable")
        return answer(self.ids, scores, order, bool(matches[order[0]] >= 1))


def segments(path: str) -> numpy.ndarray:
    """The hashes of a picture's segments, one a row."""
    hashes = imagehash.crop_resistant_hash(pictures.opened(path)).segment_hashes
    return numpy.array([numpy.packbits(segment.hash) for segment in hashes])


VARIANTS = {"phash": Phash, "crop-resistant": CropResistant}

serve(lambda hello: VARIANTS[variant(VARIANTS)](hello))

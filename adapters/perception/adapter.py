"""perception: two of its hashes, and its matching of SIFT descriptors."""

import io
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import Failed, packages, records_in, serve, signed, variant, verdict

with packages():
    VERSION = version("perception")
    import cv2
    import numpy
    from fingerprints import NEAREST, HammingRegistry, answer, in_store
    from perception import hashers
    from perception.hashers import tools
    from pictures import READABLE
    if sys.argv[-1] == "descriptors":
        from perception import local_descriptor_deduplication as local


class Perception:
    version = VERSION
    licence = "Apache-2.0"
    source = "https://github.com/thorn-oss/perception"
    inputs = READABLE


class Hash(Perception, HammingRegistry):
    """A hash of the package, with the threshold that its documentation recommends, as a share of the bits."""

    def __init__(self, name: str, hasher: hashers.ImageHasher, share: float):
        super().__init__()
        cv2.setNumThreads(1)
        self.name = f"perception/{name}"
        self.hasher = hasher
        bits = int(share * hasher.hash_length)
        self.score = {"unit": "bits", "rising": False, "threshold": bits}
        self.carrier = in_store(f"a registered {name} differs in {bits} of {hasher.hash_length} bits or fewer")

    def fingerprint(self, path: str) -> numpy.ndarray:
        return numpy.packbits(self.hasher.compute(read(path), hash_format="vector").astype(bool))


class Descriptors(Perception):
    """The package's deduplication by SIFT descriptors: a coarse search for pairs, then a check of each pair."""

    name = "perception/descriptors"
    carrier = in_store("the package takes it for a duplicate of a registered one")
    # The share of descriptors that match each other, in thousandths, and 0 if they do not fit one perspective.
    # The package asks for 0.4 and for that fit, so the threshold is its own decision.
    score = {"unit": "thousandths of the descriptors", "rising": True, "threshold": 400}
    keeps_records = True

    def __init__(self, hello: dict[str, Any]):
        cv2.setNumThreads(1)
        self.hasher = local.SIFT()
        self.ids: list[str] = []

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        return signed(media_type, changed=False, record=packed(self.described(image)))

    def seal(self, registry: str) -> int:
        entries = [(id, unpacked(record)) for id, record in records_in(registry)]
        # A picture with too few descriptors has an empty record, and matches nothing.
        entries = [(id, description) for id, description in entries if description]
        self.ids = [id for id, _ in entries]
        self.registered = [description for _, description in entries]
        if entries:
            self.counts = numpy.array([len(description["descriptors"]) for description in self.registered])
            self.starts = numpy.cumsum(self.counts) - self.counts
            self.all = numpy.concatenate([description["descriptors"] for description in self.registered])
            self.lengths = (self.all**2).sum(axis=1)
        return sum(1 for _ in records_in(registry))

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        query = self.described(image)
        if not query or not self.ids:
            return verdict("absent")
        overlap = self.overlaps(query["descriptors"])
        likely = numpy.flatnonzero((overlap >= self.hasher.overlap) & (overlap > 0))
        matches = numpy.zeros(len(self.ids))
        fits = numpy.zeros(len(self.ids), bool)
        for at in likely:
            fits[at], stats = self.hasher.validate_match(query, self.registered[at])
            matches[at] = stats["match"] or 0
        # Below 0.4 the package does not look for the perspective; the runners-up are looked at all the same.
        for at in sorted(likely, key=lambda at: -matches[at])[:NEAREST]:
            if not fits[at]:
                fits[at], _ = self.hasher.validate_match(query, self.registered[at], minimum_match=0)
        scores = (1000 * matches * fits + 1e-6).astype(numpy.int64)
        order = numpy.lexsort((-overlap, -matches, -scores))
        return answer(self.ids, scores, order, bool(scores[order[0]] >= self.score["threshold"]))

    def described(self, path: str) -> dict[str, Any] | None:
        """The descriptors of a picture; None if there are fewer than the package asks for."""
        read(path)
        return local.generate_image_descriptors(path, self.hasher)

    def overlaps(self, descriptors: numpy.ndarray) -> numpy.ndarray:
        """For each registered picture, the share of its and of our descriptors that are near one of the other.

        The package looks for near descriptors in an approximate index. This is the exact search in its place.
        """
        lengths = (descriptors**2).sum(axis=1)
        # The square of a distance is |a|² + |b|² - 2ab; all of them are whole numbers that a float holds exactly.
        squares = descriptors @ (-2 * self.all.T)
        squares += lengths[:, None]
        squares += self.lengths
        near = squares <= self.hasher.threshold**2
        theirs = numpy.add.reduceat(near.any(axis=0), self.starts, dtype=numpy.int64) / self.counts
        ours = numpy.logical_or.reduceat(near, self.starts, axis=1).mean(axis=0)
        return numpy.minimum(theirs, ours)


def read(path: str) -> numpy.ndarray:
    """A picture as the package reads it: by OpenCV, which applies the EXIF orientation."""
    try:
        return tools.read(path)
    except Exception as error:
        raise Failed("unreadable", "OpenCV cannot read the file") from error


def packed(description: dict[str, Any] | None) -> bytes:
    """A record: SIFT descriptors are whole numbers up to 255, so a byte each keeps them exactly."""
    if description is None:
        return b"none"
    file = io.BytesIO()
    numpy.savez_compressed(
        file,
        descriptors=description["descriptors"].astype(numpy.uint8),
        keypoints=description["keypoints"],
        dimensions=numpy.array(description["dimensions"]),
    )
    return file.getvalue()


def unpacked(record: bytes) -> dict[str, Any] | None:
    if record == b"none":
        return None
    with numpy.load(io.BytesIO(record)) as arrays:
        return {
            "descriptors": arrays["descriptors"].astype(numpy.float32),
            "keypoints": arrays["keypoints"],
            "dimensions": tuple(int(side) for side in arrays["dimensions"]),
        }


VARIANTS = {
    "PHash": lambda hello: Hash("PHash", hashers.PHash(hash_size=16), 0.2),
    "BlockMean": lambda hello: Hash("BlockMean", hashers.BlockMean(), 0.008),
    "descriptors": Descriptors,
}

serve(lambda hello: VARIANTS[variant(VARIANTS)](hello))

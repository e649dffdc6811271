"""pdqhash: PDQ, a fingerprint of 256 bits, from its reference implementation."""

import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import packages, serve

with packages():
    VERSION = version("pdqhash")
    import numpy
    import pdqhash
    import pictures
    from fingerprints import HammingRegistry, in_store


class Pdq(HammingRegistry):
    name = "pdqhash"
    version = VERSION
    licence = "MIT"
    source = "https://github.com/faustomorales/pdqhash-python"
    inputs = pictures.READABLE
    carrier = in_store("a registered PDQ hash differs in 31 of 256 bits or fewer")
    # The distance that the PDQ paper recommends for a match.
    score = {"unit": "bits", "rising": False, "threshold": 31}

    def fingerprint(self, path: str) -> numpy.ndarray:
        bits, _quality = pdqhash.compute(pictures.read(path).rgb)
        return numpy.packbits(bits)


serve(Pdq)

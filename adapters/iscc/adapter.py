"""iscc: the Image-Code of ISO 24138, 256 bits."""

import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import packages, serve

with packages():
    VERSION = version("iscc-lib")
    import iscc_lib
    import numpy
    import pictures
    from fingerprints import HammingRegistry, in_store
    from normalized import normalized

BITS = 256


class Iscc(HammingRegistry):
    name = "iscc"
    version = VERSION
    licence = "Apache-2.0"
    source = "https://github.com/iscc/iscc-lib"
    inputs = pictures.READABLE
    carrier = in_store("a registered Image-Code agrees in 192 of 256 bits or more")
    # iscc-search counts a similarity of 0.75 or more as a match unless told otherwise (match_threshold_units).
    score = {"unit": "bits", "rising": False, "threshold": BITS // 4}

    def fingerprint(self, path: str) -> numpy.ndarray:
        code = iscc_lib.gen_image_code_v0(normalized(pictures.opened(path)).tobytes(), BITS)
        digest = iscc_lib.iscc_decode(code.iscc)[-1]
        return numpy.frombuffer(digest, numpy.uint8)


serve(Iscc)

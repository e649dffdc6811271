"""trustmark: the neural watermark of Adobe, 61 bits with its error correction."""

import hashlib
import importlib.util
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import Missing, bits_of, hex_of, packages, serve, signed, variant, verdict

# The weights of each model, with the MD5 sums that release 0.9.2 of the package names; it would fetch others itself.
WEIGHTS = {
    "Q": {
        "trustmark_Q.yaml": "fe40df84a7feeebfceb7a7678d7e6ec6",
        "encoder_Q.ckpt": "700328b8754db934b2f6cb5e5185d81f",
        "decoder_Q.ckpt": "4ced90e9cfe13e3295ad082887fe9187",
    },
    "P": {
        "trustmark_P.yaml": "fe40df84a7feeebfceb7a7678d7e6ec6",
        "encoder_P.ckpt": "0a18f6de6d57c6ef7dda30ce6154a775",
        "decoder_P.ckpt": "9450972bc0c3c217cb7b8220dd2f7a3c",
    },
}
WEIGHTS_HOST = "https://cai-watermark.adobe.net/watermarking/trustmark-models/"
# What the package imports and adapters/install leaves out for its size.
HEAVY = ["torch", "torchvision", "lightning", "omegaconf", "einops"]
# The package's usual encoding, BCH_5: 61 bits of payload, and five wrong bits of the 100 are put right.
PAYLOAD_BITS = 61

with packages():
    VERSION = version("trustmark")
    import numpy
    import pictures
    from PIL import Image


class TrustMark:
    version = VERSION
    licence = "MIT"
    source = "https://github.com/adobe/trustmark"
    payload_bits = PAYLOAD_BITS
    inputs = pictures.WRITABLE
    carrier = {
        "name": "watermark",
        "place": "pixels",
        "describes": "61 bits in the pixels; found means that the error correction accepts what was read",
    }
    strength = {"default": 1.0, "weakest": 0.25, "strongest": 4.0}

    def __init__(self, hello: dict[str, Any]):
        model = variant(WEIGHTS)
        require(model)
        import torch
        import trustmark

        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.name = f"trustmark/{model}"
        self.factor = float(hello.get("strength") or self.strength["default"])
        self.model = trustmark.TrustMark(
            verbose=False,
            model_type=model,
            device="cpu",
            encoding_type=trustmark.TrustMark.Encoding.BCH_5,
            loadRemover=False,
        )

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        picture = pictures.read(image)
        bits = "".join(map(str, bits_of(payload, PAYLOAD_BITS)))
        marked = self.model.encode(Image.fromarray(picture.rgb), bits, MODE="binary", WM_STRENGTH=self.factor)
        pictures.write(picture, numpy.asarray(marked), out, media_type)
        return signed(media_type)

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        picture = pictures.read(image)
        bits, detected, encoding = self.model.decode(Image.fromarray(picture.rgb), MODE="binary")
        # A mark in another encoding of the package has another length, and is none of ours.
        if not detected or len(bits) != PAYLOAD_BITS:
            return verdict("absent", codes=[f"encoding-{encoding}"] if detected else None)
        return verdict("found", payload=hex_of(bit == "1" for bit in bits))


def require(model: str) -> None:
    """Say all that is missing at once, before the package is imported: it would fetch weights by itself."""
    lacking = [name for name in HEAVY if importlib.util.find_spec(name) is None]
    folder = Path(importlib.util.find_spec("trustmark").origin).parent / "models"
    wrong = [name for name, sum in WEIGHTS[model].items() if md5(folder / name) != sum]
    parts = []
    if lacking:
        parts.append(f"packages {', '.join(lacking)} (adapters/.python/bin/pip install {' '.join(lacking)})")
    if wrong:
        place = os.path.relpath(folder, Path(__file__).resolve().parents[2])
        parts.append(f"weights {', '.join(wrong)} from {WEIGHTS_HOST} in {place}")
    if parts:
        raise Missing(f"trustmark needs {'; and '.join(parts)}")


def md5(file: Path) -> str | None:
    return hashlib.md5(file.read_bytes()).hexdigest() if file.is_file() else None


serve(TrustMark)

"""blind-watermark: 64 bits in the singular values of DCT blocks of a wavelet band."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import Refused, bits_of, hex_of, packages, serve, signed, verdict

with packages():
    VERSION = version("blind-watermark")
    import blind_watermark
    import cv2
    import numpy
    import pictures

PAYLOAD_BITS = 64
# Both passwords of the package, the same for signing and for reading.
PASSWORD = 1
# The package's own step widths of its two singular values: a wider step survives more and shows more.
STEPS = (36, 20)


class BlindWatermark:
    name = "blind-watermark"
    version = VERSION
    licence = "MIT"
    source = "https://github.com/guofei9987/blind_watermark"
    payload_bits = PAYLOAD_BITS
    inputs = pictures.WRITABLE
    carrier = {
        "name": "watermark",
        "place": "pixels",
        "describes": "64 bits in the pixels; any picture gives some bits, and only the right ones count",
    }
    strength = {"default": 1.0, "weakest": 0.25, "strongest": 4.0}

    def __init__(self, hello: dict[str, Any]):
        cv2.setNumThreads(1)
        self.factor = float(hello.get("strength") or self.strength["default"])

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        picture = pictures.read(image)
        if not has_room(picture.rgb):
            raise Refused("too-small", f"{PAYLOAD_BITS} bits need more than {PAYLOAD_BITS} blocks of 8 by 8 pixels")
        mark = self.mark()
        mark.read_img(img=picture.bgr)
        mark.read_wm(bits_of(payload, PAYLOAD_BITS), mode="bit")
        # Rounded, as the package does when it writes the file itself.
        bgr = numpy.rint(mark.embed()).astype(numpy.uint8)
        pictures.write(picture, bgr[:, :, ::-1], out, media_type)
        return signed(media_type)

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        picture = pictures.read(image)
        if not has_room(picture.rgb):
            return verdict("absent", codes=["too-small"])
        bits = self.mark().extract(embed_img=picture.bgr, wm_shape=PAYLOAD_BITS, mode="bit")
        return verdict("read", payload=hex_of(bits))

    def mark(self) -> blind_watermark.WaterMark:
        mark = blind_watermark.WaterMark(password_img=PASSWORD, password_wm=PASSWORD)
        mark.bwm_core.d1, mark.bwm_core.d2 = (step * self.factor for step in STEPS)
        return mark


def has_room(rgb: numpy.ndarray) -> bool:
    """Whether there is a block for each bit: the package halves a picture and cuts it into blocks of 4 by 4."""
    rows, columns = ((side + 1) // 2 // 4 for side in rgb.shape[:2])
    return rows * columns > PAYLOAD_BITS


serve(BlindWatermark)

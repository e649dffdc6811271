"""invisible-watermark: 32 bits in the pixels, by one of its three methods."""

import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import Refused, bits_of, hex_of, packages, serve, signed, variant, verdict

with packages():
    VERSION = version("invisible-watermark")
    # The package imports torch and uses it around the rivaGan networks only, which run without it below.
    sys.modules.setdefault("torch", ModuleType("torch"))
    import cv2
    import imwatermark
    import numpy
    import onnxruntime
    import pictures

METHODS = ["dwtDct", "dwtDctSvd", "rivaGan"]
PAYLOAD_BITS = 32
# The package raises an error for fewer pixels than this, in signing and in reading.
FEWEST_PIXELS = 256 * 256
# The package's threshold for an output of the rivaGan decoder to be a one.
RIVAGAN_THRESHOLD = 0.52


class InvisibleWatermark:
    version = VERSION
    licence = "MIT"
    source = "https://github.com/ShieldMnt/invisible-watermark"
    payload_bits = PAYLOAD_BITS
    inputs = pictures.WRITABLE
    carrier = {
        "name": "watermark",
        "place": "pixels",
        "describes": "32 bits in the pixels; any picture gives some bits, and only the right ones count",
    }

    def __init__(self, hello: dict[str, Any]):
        cv2.setNumThreads(1)
        method = variant(METHODS)
        self.name = f"invisible-watermark/{method}"
        self.method = RivaGan() if method == "rivaGan" else Wavelet(method)

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        picture = pictures.read(image)
        if too_small(picture.rgb):
            raise Refused("too-small", f"at least {FEWEST_PIXELS} pixels, as of 256 by 256")
        bgr = self.method.embedded(picture.bgr, bits_of(payload, PAYLOAD_BITS))
        pictures.write(picture, bgr[:, :, ::-1], out, media_type)
        return signed(media_type)

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        picture = pictures.read(image)
        if too_small(picture.rgb):
            return verdict("absent", codes=["too-small"])
        return verdict("read", payload=hex_of(self.method.bits(picture.bgr)))


class Wavelet:
    """dwtDct or dwtDctSvd, as the package has them."""

    def __init__(self, method: str):
        self.method = method

    def embedded(self, bgr: numpy.ndarray, bits: list[int]) -> numpy.ndarray:
        encoder = imwatermark.WatermarkEncoder()
        encoder.set_watermark("bits", bits)
        return encoder.encode(bgr, self.method)

    def bits(self, bgr: numpy.ndarray) -> numpy.ndarray:
        return imwatermark.WatermarkDecoder("bits", PAYLOAD_BITS).decode(bgr, self.method)


class RivaGan:
    """The two networks of rivaGan on one thread, with the scaling that the package puts around them."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        folder = Path(imwatermark.__file__).parent
        self.encoder, self.decoder = (
            onnxruntime.InferenceSession(str(folder / file), options, providers=["CPUExecutionProvider"])
            for file in ("rivagan_encoder.onnx", "rivagan_decoder.onnx")
        )

    def embedded(self, bgr: numpy.ndarray, bits: list[int]) -> numpy.ndarray:
        inputs = {"frame": frame(bgr), "data": numpy.array([bits], numpy.float32)}
        marked = self.encoder.run(None, inputs)[0][0, :, 0]
        return ((marked.clip(-1, 1).transpose(1, 2, 0) + 1) * 127.5).astype(numpy.uint8)

    def bits(self, bgr: numpy.ndarray) -> numpy.ndarray:
        return self.decoder.run(None, {"frame": frame(bgr)})[0][0] > RIVAGAN_THRESHOLD


def frame(bgr: numpy.ndarray) -> numpy.ndarray:
    """A picture as a film of one frame from -1 to 1: batch, channel, time, height, width."""
    scaled = bgr.astype(numpy.float32) / 127.5 - 1
    return scaled.transpose(2, 0, 1)[None, :, None]


def too_small(rgb: numpy.ndarray) -> bool:
    return rgb.shape[0] * rgb.shape[1] < FEWEST_PIXELS


serve(InvisibleWatermark)

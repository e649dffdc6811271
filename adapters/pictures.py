"""Pictures as the adapters see them: read with Pillow whatever a pipeline wrote, and written back.

One reading for all: the first frame, eight bits a channel, red, green and blue as stored. Transparency is
set aside, not blended; the EXIF orientation is not applied. A signed picture keeps its transparency, EXIF
and colour profile, so that it looks as it did before.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from credlink_adapter import Failed

READABLE = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]
WRITABLE = ["image/jpeg", "image/png"]

# What a signed JPEG is written with: high enough that the loss is the pipeline's and not the signer's.
JPEG = {"format": "JPEG", "quality": 95, "subsampling": 0}


@dataclass
class Picture:
    """Pixels (height, width, 3), and what stands beside them in the file."""

    rgb: np.ndarray
    alpha: Image.Image | None
    beside: dict[str, bytes]

    @property
    def bgr(self) -> np.ndarray:
        """The pixels in the order that OpenCV uses."""
        return np.ascontiguousarray(self.rgb[:, :, ::-1])


def opened(path: str) -> Image.Image:
    """The first frame of an image file, decoded, in the mode that the file has."""
    try:
        image = Image.open(path)
        image.load()
    except Exception as error:
        # Decoders of broken files raise nearly everything, from struct.error to SyntaxError.
        raise Failed("unreadable", str(error).replace(repr(path), "") or type(error).__name__) from error
    return eight_bits(image)


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits scaled down, which Pillow itself would clip; any other image as it is."""
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64).clip(0, 65535) >> 8
        return Image.fromarray(grey.astype(np.uint8))
    return image


def read(path: str) -> Picture:
    """A picture with all that is needed to write it again."""
    image = opened(path)
    beside = {name: image.info[name] for name in ("exif", "icc_profile") if image.info.get(name)}
    if image.mode in ("1", "L", "LA", "CMYK"):
        # The pixels become red, green and blue, which a profile for grey or for inks does not describe.
        beside.pop("icc_profile", None)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    return Picture(np.array(_rgb(image)), alpha, beside)


def _rgb(image: Image.Image) -> Image.Image:
    return image.convert("RGBA").convert("RGB") if image.mode in ("P", "PA") else image.convert("RGB")


def write(picture: Picture, rgb: np.ndarray, out: str, media_type: str) -> None:
    """Write changed pixels in place of a picture's own: PNG for PNG, JPEG of quality 95 in 4:4:4 for JPEG."""
    image = Image.fromarray(np.ascontiguousarray(rgb))
    if media_type == "image/jpeg":
        image.save(out, **JPEG, **picture.beside)
        return
    if picture.alpha is not None:
        image.putalpha(picture.alpha)
    image.save(out, format="PNG", **picture.beside)

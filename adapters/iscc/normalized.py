"""What the Image-Code of ISO 24138 is computed from."""

import numpy
from PIL import Image, ImageOps


def normalized(image: Image.Image) -> Image.Image:
    """The 32 by 32 grey pixels that io.iscc.v0 is computed from, in the order of its steps."""
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    opaque = Image.alpha_composite(white, upright).convert("RGB")
    return trimmed(opaque).convert("L").resize((32, 32), Image.Resampling.BICUBIC)


def trimmed(image: Image.Image) -> Image.Image:
    """Without the border that has exactly the colour of the top left pixel; a plain picture stays whole."""
    pixels = numpy.asarray(image)
    inside = (pixels != pixels[0, 0]).any(axis=2)
    rows, columns = (numpy.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))

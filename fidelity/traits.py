"""What can be told from one image file: format, size, coding, kinds of metadata, pixels; and how alike two pictures are."""

import numpy
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
JPEG_KINDS = {"exif": b"Exif\0\0", "xmp": b"http://ns.adobe.com/xap/1.0/\0", "iptc": b"Photoshop 3.0\0", "icc": b"ICC_PROFILE\0"}
CHUNKS = {
    "PNG": {"exif": b"eXIf", "icc": b"iCCP", "c2pa": b"caBX"},
    "WEBP": {"exif": b"EXIF", "xmp": b"XMP ", "icc": b"ICCP", "c2pa": b"C2PA"},
}
# IPTC lies in a tag of its own or in Photoshop's resources.
TIFF_TAGS = {"exif": [34665], "xmp": [700], "iptc": [33723, 34377], "icc": [34675], "c2pa": [0xCD41]}
UUIDS = {"xmp": bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), "c2pa": bytes.fromhex("d8fec3d61b0e483c92975828877ec481")}


def segments(data):
    """Marker and contents of a JPEG's segments before its first scan; a thumbnail within one of them has scans of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at + 4 : at + 2 + length]
        at += 2 + length


def metadata(path, image):
    data, kind = path.read_bytes(), image.format
    if kind == "JPEG":
        found = set()
        for marker, contents in segments(data):
            found |= {name for name, mark in JPEG_KINDS.items() if contents.startswith(mark)}
            if marker == 0xEB and b"jumdc2pa" in contents:
                found.add("c2pa")
        return found
    found = set()
    if kind == "PNG":
        at = 8
        while at + 8 <= len(data):
            length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
            if name == b"iTXt" and data[at + 8 :].startswith(b"XML:com.adobe.xmp"):
                found.add("xmp")
            found |= {kind for kind, mark in CHUNKS["PNG"].items() if mark == name}
            at += 12 + length
    elif kind == "WEBP":
        at = 12
        while at + 8 <= len(data):
            name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
            found |= {kind for kind, mark in CHUNKS["WEBP"].items() if mark == name}
            at += 8 + length + length % 2
    elif kind == "TIFF":
        found |= {name for name, tags in TIFF_TAGS.items() if any(tag in image.tag_v2 for tag in tags)}
    elif kind == "GIF":
        marks = {"xmp": b"XMP DataXMP", "icc": b"ICCRGBG1012", "c2pa": b"C2PA_GIF"}
        found |= {name for name, mark in marks.items() if b"\x21\xff\x0b" + mark in data}
    elif kind == "AVIF":
        found |= {name for name, mark in UUIDS.items() if b"uuid" + mark in data}
        boxes = data[: data.find(b"mdat")]
        marks = {"exif": b"Exif\0", "xmp": b"application/rdf+xml", "icc": b"colrprof"}
        found |= {name for name, mark in marks.items() if mark in boxes}
    return found


def traits(path):
    """The file's traits, and its pixels as an array of height x width x 3, 0 to 255, seen over white."""
    with Image.open(path) as image:
        found = {"format": image.format, "size": image.size, "metadata": metadata(path, image)}
        if image.format == "JPEG":
            found["tables"] = {index: list(table) for index, table in image.quantization.items()}
            found["sampling"] = [layer[1:3] for layer in image.layer]
            found["progressive"] = bool(image.info.get("progressive"))
        if image.mode == "I;16" or image.mode == "I":
            grey = numpy.asarray(image, dtype=numpy.float64) / 257
            return found, numpy.repeat(grey[..., None], 3, axis=2)
        transparent = "A" in image.getbands() or "transparency" in image.info
        pixels = numpy.asarray(image.convert("RGBA" if transparent else "RGB"), dtype=numpy.float64)
    if pixels.shape[2] == 4:
        # Colours under full transparency are free; both sides are seen over white.
        alpha = pixels[..., 3:] / 255
        pixels = pixels[..., :3] * alpha + 255 * (1 - alpha)
    return found, pixels


def psnr(a, b):
    """Decibels over all channels; infinite where equal."""
    error = numpy.mean((a - b) ** 2)
    return float("inf") if error == 0 else 10 * numpy.log10(255**2 / error)


def ssim(a, b):
    """Mean SSIM of luma over 8 x 8 blocks (Wang et al. 2004, with block windows)."""
    weights = numpy.array([0.299, 0.587, 0.114])
    a, b = a @ weights, b @ weights
    height, width = (a.shape[0] // 8) * 8, (a.shape[1] // 8) * 8
    if height == 0 or width == 0:
        return 1.0
    blocks = lambda x: x[:height, :width].reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 64)
    a, b = blocks(a), blocks(b)
    ma, mb = a.mean(1), b.mean(1)
    cov = (a * b).mean(1) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    score = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (a.var(1) + b.var(1) + c2))
    return float(score.mean())

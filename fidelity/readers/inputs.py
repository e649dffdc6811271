"""Makes the files to sign: every format that `credlink sign` takes, and in each what real files hold. All of it from a seed, so
that a finding can be made again. The pictures have texture, as a watermark needs it."""

import struct
import zlib

import numpy
from PIL import Image, ImageCms, ImageFilter, PngImagePlugin

WIDTH, HEIGHT = 640, 480
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">'
    "<dc:creator><rdf:Seq><rdf:li>Somebody</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
).encode()
COMMENT = "what somebody wrote"


class Pictures:
    """Pictures of one seed: noise of several scales over shapes with edges."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)

    def rgb(self):
        whole = numpy.zeros((HEIGHT, WIDTH, 3))
        for scale, weight in ((128, 80), (32, 60), (8, 50), (3, 45), (1, 14)):
            coarse = self.random.integers(0, 256, (-(-HEIGHT // scale), -(-WIDTH // scale), 3), dtype=numpy.uint8)
            fine = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            whole += (numpy.asarray(fine, dtype=float) / 255 - 0.5) * weight
        y, x = numpy.mgrid[:HEIGHT, :WIDTH]
        for _ in range(6):
            centre_x, centre_y, radius = self.random.integers((0, 0, 40), (WIDTH, HEIGHT, 140))
            inside = (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2
            whole[inside] += self.random.uniform(-45, 45, 3)
        return Image.fromarray(numpy.clip(128 + whole, 0, 255).astype(numpy.uint8))

    def rgba(self):
        image = self.rgb()
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        return image

    def grey16(self):
        grey = numpy.asarray(self.rgb().convert("L"), dtype=numpy.uint32) * 257
        return (grey ^ self.random.integers(0, 64, grey.shape, dtype=numpy.uint32)).clip(0, 65535).astype(numpy.uint16)

    def frames(self, mode="RGB"):
        first = self.rgb().convert(mode)
        return [first, first.filter(ImageFilter.GaussianBlur(2)), first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]


def exif():
    """A picture that lies on its side, with a camera and a place."""
    made = Image.Exif()
    made[0x010F], made[0x0110], made[0x0112] = "A maker", "A model", 6
    made[0x011A], made[0x011B], made[0x0128], made[0x0213] = 72.0, 72.0, 2, 1
    made.get_ifd(0x8769).update({0x9000: b"0232", 0x9101: b"\1\2\3\0", 0x9003: "2024:05:06 07:08:09", 0xA000: b"0100",
                                 0xA001: 1, 0xA002: WIDTH, 0xA003: HEIGHT})
    made.get_ifd(0x8825).update({0: b"\2\3\0\0", 1: "N", 2: (48.0, 8.0, 30.0), 3: "E", 4: (11.0, 34.0, 0.0)})
    return made


def icc():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def iptc():
    """Photoshop's resources with one block of IPTC: a caption."""
    record = b"\x1c\x02\x78" + struct.pack(">H", len(COMMENT)) + COMMENT.encode()
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record
    return block + b"\0" * (len(record) % 2)


def jpeg(pictures):
    plain, all_kinds = pictures.rgb(), {"exif": exif(), "xmp": XMP, "icc_profile": icc(), "comment": COMMENT}
    yield "plain.jpg", plain, {"quality": 90}
    yield "progressive.jpg", plain, {"quality": 80, "progressive": True}
    yield "444-dpi300.jpg", plain, {"quality": 95, "subsampling": 0, "dpi": (300, 300)}
    yield "restarts.jpg", plain, {"quality": 85, "restart_marker_rows": 1}
    yield "grey.jpg", plain.convert("L"), {"quality": 90}
    yield "cmyk.jpg", plain.convert("CMYK"), {"quality": 90}
    yield "metadata.jpg", pictures.rgb(), {"quality": 90, **all_kinds}
    first, *more = pictures.frames()
    yield "two-pictures.jpg", first, {"format": "MPO", "save_all": True, "append_images": more[:1], "quality": 88}


def png(pictures):
    plain, text = pictures.rgb(), PngImagePlugin.PngInfo()
    text.add_text("Title", COMMENT)
    text.add_text("Comment", COMMENT * 20, zip=True)
    text.add_itxt("Description", COMMENT, "en", "Description")
    packet = PngImagePlugin.PngInfo()
    packet.add_itxt("XML:com.adobe.xmp", XMP.decode())
    yield "plain.png", plain, {}
    yield "alpha.png", pictures.rgba(), {}
    yield "grey.png", plain.convert("L"), {}
    yield "bits.png", plain.convert("1"), {}
    yield "palette.png", plain.quantize(200), {}
    yield "palette-alpha.png", plain.quantize(200), {"transparency": 7}
    yield "grey16.png", Image.fromarray(pictures.grey16()), {}
    yield "text-dpi.png", pictures.rgb(), {"pnginfo": text, "dpi": (300, 300)}
    yield "metadata.png", pictures.rgb(), {"pnginfo": packet, "exif": exif(), "icc_profile": icc()}
    first, *more = pictures.frames()
    yield "animation.png", first, {"save_all": True, "append_images": more, "duration": 80, "loop": 0}


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_rgb16(pictures):
    """Colour of 16 bits with gamma, primaries and significant bits, which Pillow does not write."""
    whole = numpy.asarray(pictures.rgb(), dtype=numpy.uint16) * 257
    rows = numpy.concatenate([numpy.zeros((HEIGHT, 1), numpy.uint8), whole.astype(">u2").view(numpy.uint8).reshape(HEIGHT, -1)], 1)
    primaries = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    return b"\x89PNG\r\n\x1a\n" + b"".join([
        chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)), chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"cHRM", primaries), chunk(b"sBIT", b"\x10\x10\x10"), chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
        chunk(b"IEND", b""),
    ])


def tiff_big_endian(pictures):
    """Colour in one strip with the high byte first, which Pillow does not write."""
    pixels, tags = pictures.rgb().tobytes(), 12
    after = 8 + 2 + 12 * tags + 4
    short = lambda tag, value: struct.pack(">HHIHH", tag, 3, 1, value, 0)
    long = lambda tag, kind, count, value: struct.pack(">HHII", tag, kind, count, value)
    entries = [
        short(256, WIDTH), short(257, HEIGHT), long(258, 3, 3, after), short(259, 1), short(262, 2),
        long(273, 4, 1, after + 6 + 16), short(277, 3), short(278, HEIGHT), long(279, 4, 1, len(pixels)),
        long(282, 5, 1, after + 6), long(283, 5, 1, after + 6 + 8), short(296, 2),
    ]
    head = b"MM\0*" + struct.pack(">IH", 8, tags) + b"".join(entries) + struct.pack(">I", 0)
    return head + struct.pack(">HHH", 8, 8, 8) + struct.pack(">II", 72, 1) * 2 + pixels


def webp(pictures):
    yield "plain.webp", pictures.rgb(), {"quality": 85}
    yield "lossless.webp", pictures.rgb(), {"lossless": True}
    yield "alpha.webp", pictures.rgba(), {"quality": 85}
    yield "metadata.webp", pictures.rgb(), {"quality": 90, "exif": exif(), "xmp": XMP, "icc_profile": icc()}
    first, *more = pictures.frames()
    yield "animation.webp", first, {"save_all": True, "append_images": more, "duration": 80, "quality": 80}


def gif(pictures):
    palette = pictures.rgb().quantize(200)
    yield "plain.gif", palette, {}
    yield "interlaced-transparent.gif", palette, {"interlace": 1, "transparency": 3}
    yield "comment.gif", palette, {"comment": COMMENT}
    first, *more = pictures.frames()
    yield "animation.gif", first, {"save_all": True, "append_images": more, "duration": 80, "loop": 0}


def tiff(pictures):
    plain = pictures.rgb()
    resolution = {"dpi": (72, 72)}
    yield "plain.tif", plain, resolution
    yield "lzw.tif", plain, {"compression": "tiff_lzw", **resolution}
    yield "deflate.tif", plain, {"compression": "tiff_adobe_deflate", **resolution}
    yield "bigtiff.tif", plain, {"big_tiff": True, **resolution}
    yield "jpeg-inside.tif", plain, {"compression": "jpeg", **resolution}
    yield "fax.tif", plain.convert("1"), {"compression": "group4", **resolution}
    yield "grey16.tif", Image.fromarray(pictures.grey16()), resolution
    yield "palette.tif", plain.quantize(200), resolution
    yield "cmyk.tif", plain.convert("CMYK"), resolution
    # The direction is left out: a TIFF's own tag says it.
    yield "metadata.tif", pictures.rgb(), {"tiffinfo": {700: XMP, 34377: iptc(), 270: COMMENT}, "icc_profile": icc(), **resolution}
    first, *more = pictures.frames()
    yield "pages.tif", first, {"save_all": True, "append_images": more, **resolution}


def avif(pictures):
    yield "plain.avif", pictures.rgb(), {"quality": 70}
    yield "444-alpha.avif", pictures.rgba(), {"quality": 80, "subsampling": "4:4:4"}
    yield "grey.avif", pictures.rgb().convert("L"), {"quality": 75}
    yield "metadata.avif", pictures.rgb(), {"quality": 75, "exif": exif(), "xmp": XMP, "icc_profile": icc()}
    first, *more = pictures.frames()
    yield "sequence.avif", first, {"save_all": True, "append_images": more, "duration": 80, "quality": 60}


def with_photoshop(data):
    """The JPEG with a Photoshop segment before its tables."""
    segment = b"Photoshop 3.0\0" + iptc()
    at = 4 + int.from_bytes(data[4:6], "big")
    return data[:at] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[at:]


def make(folder, seed):
    """Writes the files into the folder; their paths."""
    pictures, made = Pictures(seed), []
    for kind in (jpeg, png, webp, gif, tiff, avif):
        for name, image, options in kind(pictures):
            image.save(folder / name, **options)
            made.append(folder / name)
    others = {
        "iptc.jpg": with_photoshop((folder / "plain.jpg").read_bytes()), "rgb16.png": png_rgb16(pictures),
        "big-endian.tif": tiff_big_endian(pictures),
        # As an old program for telephones wrote it.
        "xmp-misnamed.webp": (folder / "metadata.webp").read_bytes().replace(b"XMP ", b"XMP\0"),
    }
    for name, data in others.items():
        (folder / name).write_bytes(data)
        made.append(folder / name)
    return made

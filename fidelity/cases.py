"""Which real command is compared with which recipe.

A case is (recipe id, formats it is fed, command, why it may differ). `{input}`, `{output}` and, for sharp, `{node}` are
filled in; the output's extension is the first word of the command entry. A command that works in place names no output.
"""

PILLOW = """
import sys
from PIL import Image
source, target, *options = sys.argv[1:]
with Image.open(source) as image:
    keep = {}
    if "keep" in options:
        for name in ("exif", "xmp", "icc_profile"):
            if image.info.get(name):
                keep[name] = image.info[name]
    if target.endswith("jpg") and image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    image.save(target, **keep)
"""

SHARP = """
const sharp = require(process.argv[1] + '/node_modules/sharp');
const [source, target, how] = process.argv.slice(2);
let work = sharp(source);
if (how === 'keep') work = work.keepMetadata();
work.toFile(target).catch((error) => { console.error(error.message); process.exit(1); });
"""


def pillow(extension, *options):
    return [extension, "{python}", "-c", PILLOW, "{input}", "{output}", *options]


def sharp(extension, *options):
    return [extension, "node", "-e", SHARP, "{node}", "{input}", "{output}", *options]


JPEG, PNG = ["JPEG"], ["PNG"]
BOTH = ["JPEG", "PNG"]

CASES = [
    ("conversion/pillow-jpeg", JPEG, pillow("jpg"), ""),
    ("conversion/pillow-keep", JPEG, pillow("jpg", "keep"), ""),
    ("conversion/pillow-webp", BOTH, pillow("webp"), ""),
    ("conversion/to-tiff", BOTH, pillow("tif"),
     "JPEG sources differ by their decoder alone (libjpeg there, zune-jpeg here): the floor of every case below that starts from JPEG"),
    ("conversion/sharp-jpeg", BOTH, sharp("jpg"), ""),
    ("conversion/sharp-webp", BOTH, sharp("webp"), ""),
    ("conversion/sharp-png", BOTH, sharp("png"), ""),
    ("conversion/sharp-keep", JPEG, sharp("jpg", "keep"), ""),
    ("conversion/libvips-jpeg", BOTH, ["jpg", "vips", "copy", "{input}", "{output}"],
     "libvips writes an EXIF block with the resolution where the source had none"),
    ("conversion/libvips-webp", BOTH, ["webp", "vips", "copy", "{input}", "{output}"], ""),
    ("conversion/imagemagick-old", JPEG, ["jpg", "convert.im", "{input}", "-resize", "50%", "{output}"],
     "the distribution's release is older than 7.1.1-37"),
    ("conversion/imagemagick-strip", JPEG, ["jpg", "convert.im", "{input}", "-strip", "{output}"], ""),
    ("conversion/jpeg-to-webp", JPEG, ["webp", "cwebp", "-quiet", "{input}", "-o", "{output}"], ""),
    ("conversion/cwebp-metadata", JPEG, ["webp", "cwebp", "-quiet", "-metadata", "all", "{input}", "-o", "{output}"], ""),
    ("conversion/jpeg-to-webp-lossless", JPEG, ["webp", "cwebp", "-quiet", "-lossless", "{input}", "-o", "{output}"], ""),
    ("conversion/png-to-webp", PNG, ["webp", "cwebp", "-quiet", "{input}", "-o", "{output}"], ""),
    ("optimizers/jpegoptim-default", JPEG, ["jpg", "jpegoptim", "-q", "--force", "{input}"], "scan mode: the tool keeps the source's"),
    ("optimizers/jpegoptim-strip-none", JPEG, ["jpg", "jpegoptim", "-q", "--force", "--strip-none", "{input}"], "scan mode: the tool keeps the source's"),
    ("optimizers/jpegoptim-max@quality=85", JPEG, ["jpg", "jpegoptim", "-q", "-m85", "--strip-all", "--all-progressive", "{input}"], ""),
    ("optimizers/jpegtran", JPEG, ["jpg", "jpegtran", "-outfile", "{output}", "{input}"], ""),
    ("optimizers/jpegtran-copy-all", JPEG, ["jpg", "jpegtran", "-copy", "all", "-optimize", "-outfile", "{output}", "{input}"], ""),
    ("optimizers/pngquant", PNG, ["png", "pngquant", "--force", "--output", "{output}", "256", "{input}"], "another quantiser"),
    ("optimizers/optipng", PNG, ["png", "optipng", "-quiet", "{input}"], ""),
    ("optimizers/exiftool-all", BOTH, ["same", "exiftool", "-q", "-all=", "-overwrite_original", "{input}"], ""),
]

"""Which real command, or which real server, is compared with which recipe.

`{input}`, `{output}` and, for what npm installs, `{node}` are filled in; the output's extension is the first word of the
command. A command that works in place names no output. Commands that start an interpreter say themselves how much CPU time
their work took, so that only the work is compared.
"""

from dataclasses import dataclass, field

from servers import Ipx, Next, Nginx, Thumbor

PILLOW = """
import sys, time
from PIL import Image
source, target, *options = sys.argv[1:]
start = time.process_time()
with Image.open(source) as image:
    keep = {}
    if "keep" in options:
        for name in ("exif", "xmp", "icc_profile"):
            if image.info.get(name):
                keep[name] = image.info[name]
    if target.endswith("jpg") and image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    image.save(target, **keep)
print("cpu_ms", 1000 * (time.process_time() - start))
"""

# `work` is a function, made before the clock starts, so that loading is not counted.
NODE = """
const [modules, source, target, option] = process.argv.slice(1);
const load = (name) => {
    try { return require(`${modules}/node_modules/${name}`); } catch { throw new Error(`${name} cannot be loaded`); }
};
(async () => {
    const sharp = load('sharp');
    sharp.concurrency(1);
    const work = WORK;
    const start = process.cpuUsage();
    await work();
    const spent = process.cpuUsage(start);
    console.log('cpu_ms', (spent.user + spent.system) / 1000);
})().catch((error) => { console.error(error.message); process.exit(1); });
"""

SHARP = NODE.replace("WORK", "() => eval('sharp(source)' + (option ?? '')).toFile(target)")

GHOST = NODE.replace("WORK", """(({ resizeFromBuffer }, fs) => async () =>
    fs.writeFileSync(target, await resizeFromBuffer(fs.readFileSync(source), { width: Number(option) }))
)(load('@tryghost/image-transform'), require('fs'))""")

# What Synapse's repository of media does with its thumbnailer, at its default limit of pixels.
SYNAPSE = """
import mimetypes, sys, time, types
from synapse.config.repository import THUMBNAIL_SUPPORTED_MEDIA_FORMAT_MAP
from synapse.media.media_repository import MediaRepository
from synapse.media.thumbnailer import Thumbnailer
source, target, method, width, height = sys.argv[1:]
made = "image/" + THUMBNAIL_SUPPORTED_MEDIA_FORMAT_MAP[mimetypes.guess_type(source)[0]]
limits = types.SimpleNamespace(max_image_pixels=32 * 1024 * 1024)
start = time.process_time()
thumbnailer = Thumbnailer(source)
found = MediaRepository._generate_thumbnail(limits, thumbnailer, int(width), int(height), method, made)
with open(target, "wb") as file:
    file.write(found.getbuffer())
print("cpu_ms", 1000 * (time.process_time() - start))
"""

OXIPNG = """
import sys, time
import oxipng
start = time.process_time()
oxipng.optimize(sys.argv[1], sys.argv[2])
print("cpu_ms", 1000 * (time.process_time() - start))
"""

# The program from npm is years ahead of that of distributions.
EXIFTOOL = "{node}/node_modules/exiftool-vendored.pl/bin/exiftool"


@dataclass
class Case:
    recipe: str
    formats: list
    # The command, or none where a server does the work.
    command: list = field(default_factory=list)
    server: object = None
    # What else to know about the comparison.
    note: str = ""
    # Why format, dimensions or metadata differ. A case without a reason must have the same.
    odd: str = ""
    # Why some pair lies below 40 dB. A case without a reason must stay above.
    below: str = ""
    # Why ours takes more than twice the CPU time. A case without a reason must not.
    slow: str = ""
    # Why survival differs. Left empty unless it does.
    differs: dict = field(default_factory=dict)


def pillow(extension, *options):
    return [extension, "{python}", "-c", PILLOW, "{input}", "{output}", *options]


def sharp(extension, *options):
    return [extension, "node", "-e", SHARP, "{node}", "{input}", "{output}", *options]


def ghost(width):
    return ["same", "node", "-e", GHOST, "{node}", "{input}", "{output}", str(width)]


def synapse(method, width, height):
    return ["same", "{python}", "-c", SYNAPSE, "{input}", "{output}", method, str(width), str(height)]


# Measured on five photos: cwebp gives the same bytes as the recipe when it is fed the recipe's decoded pixels, and the same
# bytes as itself when it is fed those of libjpeg, so nothing but the decoder differs.
DECODER = ("libjpeg and zune-jpeg decode JPEG to pixels 55 to 67 dB apart, and the lossy encoder's decisions enlarge that; "
           "given the same pixels the files are the same, byte for byte")
# The two pictures of the set whose samples have 16 bits are read so by libpng and Pillow.
SIXTEEN = "samples of 16 bits are cut to 8 there and rounded here"
KEPT_CMYK = "CMYK stays CMYK there and becomes RGB here, where tables and sampling are those of RGB"
HDR = "a profile for HLG, whose curves are converted by two colour engines"
# The one CMYK photo; libvips and sharp go by profiles, ours by the plain formula.
CMYK = "CMYK becomes RGB by a profile there, by the plain formula here"
# Scaled pixels alone are 57 dB apart; as WebP kodak05 and kodak08 are 35 and 36 dB apart, and as far from the source.
ROUNDED = "scaled levels that differ by one are enlarged by the lossy encoder's decisions"
# Measured with meme_dev's pixels: 45.5 dB from Pillow, and 71.3 from its filter run in the other order with whole levels between.
JPEG, PNG = ["JPEG"], ["PNG"]
BOTH = ["JPEG", "PNG"]
GIF = ["GIF"]
QUANTISER = "another quantiser"
SAME = "the recipe runs the same program, so this compares the step that runs programs"

CASES = [
    Case("conversion/pillow-jpeg", JPEG, pillow("jpg")),
    Case("conversion/pillow-keep", JPEG, pillow("jpg", "keep")),
    Case("conversion/pillow-webp", BOTH, pillow("webp"), below=f"{DECODER}; {SIXTEEN}"),
    Case("conversion/to-tiff", BOTH, pillow("tif"),
         note="JPEG sources differ by their decoder alone (libjpeg there, zune-jpeg here): the floor of every case below that starts from JPEG"),
    Case("conversion/sharp-jpeg", BOTH, sharp("jpg"), below=f"{HDR}; {CMYK}"),
    Case("conversion/sharp-webp", BOTH, sharp("webp"), below=f"{DECODER}; {HDR}; {CMYK}"),
    Case("conversion/sharp-png", BOTH, sharp("png"), below=f"{HDR}; {CMYK}"),
    Case("conversion/sharp-keep", JPEG, sharp("jpg", ".keepMetadata()"), below=CMYK,
         odd="CMYK gets the sRGB profile that it was converted to, and none here"),
    Case("conversion/to-gif", BOTH, sharp("gif"),
         below=f"{QUANTISER}, as far from the source as libimagequant to 0.6 dB (35.6 to 39.8 here and 36.1 to 39.9 there on five photos); "
               f"{CMYK}"),
    Case("social/bluesky-preset@preset=banner", BOTH,
         sharp("webp", ".resize(3000, 1000, { fit: 'cover' }).webp({ quality: 85, effort: 4 })"),
         below=f"{DECODER}; {HDR}; {CMYK}; of an odd overhang sharp cuts the larger half first (its CalculateCrop) and we the smaller: one new pixel"),
    Case("conversion/libvips-jpeg", BOTH, ["jpg", "vips", "copy", "{input}", "{output}"], below=KEPT_CMYK),
    Case("conversion/libvips-webp", BOTH, ["webp", "vips", "copy", "{input}", "{output}"], below=f"{DECODER}; {SIXTEEN}; {CMYK}"),
    Case("conversion/libvips-tiff", BOTH, ["tif", "vips", "copy", "{input}", "{output}"]),
    Case("conversion/imagemagick-old", JPEG, ["jpg", "convert.im", "{input}", "-resize", "50%", "{output}"],
         note=f"the distribution's release is older than 7.1.1-37; {KEPT_CMYK}"),
    Case("conversion/imagemagick-strip", JPEG, ["jpg", "convert.im", "{input}", "-strip", "{output}"], note=KEPT_CMYK),
    Case("conversion/jpeg-to-webp", JPEG, ["webp", "cwebp", "-quiet", "{input}", "-o", "{output}"], below=DECODER),
    Case("conversion/cwebp-metadata", JPEG, ["webp", "cwebp", "-quiet", "-metadata", "all", "{input}", "-o", "{output}"],
         below=DECODER),
    Case("conversion/jpeg-to-webp-lossless", JPEG, ["webp", "cwebp", "-quiet", "-lossless", "{input}", "-o", "{output}"]),
    Case("conversion/png-to-webp", PNG, ["webp", "cwebp", "-quiet", "{input}", "-o", "{output}"], below=SIXTEEN),
    Case("optimizers/jpegoptim-default", JPEG, ["jpg", "jpegoptim", "-q", "--force", "{input}"]),
    Case("optimizers/jpegoptim-strip-none", JPEG, ["jpg", "jpegoptim", "-q", "--force", "--strip-none", "{input}"]),
    Case("optimizers/jpegoptim-max@quality=85", JPEG, ["jpg", "jpegoptim", "-q", "-m85", "--strip-all", "--all-progressive", "{input}"],
         below="release 1.4.7 writes quality 85 whatever the source's; the release that the recipe cites stays at that of the source "
               f"where it is lower; {KEPT_CMYK}"),
    Case("optimizers/jpegtran", JPEG, ["jpg", "jpegtran", "-outfile", "{output}", "{input}"]),
    Case("optimizers/jpegtran-copy-all", JPEG, ["jpg", "jpegtran", "-copy", "all", "-optimize", "-outfile", "{output}", "{input}"]),
    Case("optimizers/pngquant", PNG, ["png", "pngquant", "--force", "--output", "{output}", "256", "{input}"],
         below=f"{QUANTISER}, as far from the source as the real one (32.4 and 32.0 dB, 39.6 and 39.2 dB on two photos)"),
    Case("optimizers/optipng", PNG, ["png", "optipng", "-quiet", "{input}"]),
    Case("optimizers/oxipng-default", PNG, ["png", "{python}", "-c", OXIPNG, "{input}", "{output}"]),
    Case("optimizers/exiftool-all", BOTH, ["same", EXIFTOOL, "-q", "-all=", "-overwrite_original", "{input}"]),
    Case("optimizers/exiftool-all-old", BOTH, ["same", "exiftool", "-q", "-all=", "-overwrite_original", "{input}"],
         note="the distribution's release is older than 12.68"),
    Case("optimizers/exiftool-caption", BOTH,
         ["same", EXIFTOOL, "-q", "-XMP-dc:Description=Edited after signing", "-overwrite_original", "{input}"]),
    Case("optimizers/gifsicle", GIF, ["gif", "gifsicle", "-O3", "--no-comments", "--no-names", "{input}", "-o", "{output}"], note=SAME),
    Case("conversion/avifenc", BOTH, ["avif", "avifenc", "{input}", "{output}"], note=SAME),
    Case("conversion/jpeg-to-avif", JPEG, sharp("avif"),
         below="rav1e here and libaom there, whose quality scales differ: on six photos files of 0.8 to 1.2 times the size, 0.8 to "
               f"2.8 dB farther from the source; {CMYK}"),
    Case("conversion/jpegxl-round-trip", JPEG,
         ["jpg", "sh", "-c", 'cjxl "$0" "$1.jxl" && djxl "$1.jxl" "$1"', "{input}", "{output}"], note=SAME),
    Case("conversion/jpegxl-lossy", BOTH,
         ["png", "sh", "-c", 'cjxl -j 0 -d 1 "$0" "$1.jxl" && djxl "$1.jxl" "$1"', "{input}", "{output}"], note=SAME),
    Case("conversion/heic-round-trip", BOTH,
         ["jpg", "sh", "-c", 'heif-enc "$0" -o "$1.heic" && heif-convert "$1.heic" "$1"', "{input}", "{output}"], note=SAME),
    Case("cdn/nginx-resize", BOTH, server=Nginx("resize 640 -")),
    Case("cdn/thumbor-fit", BOTH, server=Thumbor("fit-in/1080x810")),
    Case("cdn/thumbor-fill", BOTH, server=Thumbor("1080x810")),
    Case("cdn/ipx", BOTH, server=Ipx("w_1080"), below=CMYK),
    Case("cdn/nextjs-webp@w=640", BOTH, server=Next(640, ["image/webp"]), below=f"{ROUNDED}; {DECODER}; {HDR}; {CMYK}"),
    Case("cdn/nextjs-jpeg@w=640", JPEG, server=Next(640), below=CMYK),
    Case("cdn/nextjs-png@w=640", PNG, server=Next(640),
         below=f"{QUANTISER}, which takes fewer colours for the same quality: 40 and 256 there and 13 and 218 here on two "
               f"pictures that keep their size, 7 and 1 dB farther from the source"),
    Case("cdn/nextjs-avif", BOTH, server=Next(384, ["image/avif", "image/webp"]),
         below="rav1e here and libaom there, whose quality scales differ: on twelve pictures files of 0.8 to 1.5 times the size, up to "
               f"9 dB farther from the source; {CMYK}"),
    Case("cms/ghost", BOTH, ghost(2000), below=CMYK),
    Case("cms/ghost-size@w=600", BOTH, ghost(600), below=CMYK),
    Case("messaging/matrix-thumbnail@box=320x240", BOTH, synapse("scale", 320, 240)),
    Case("messaging/matrix-thumbnail@box=800x600", BOTH, synapse("scale", 800, 600)),
    Case("messaging/matrix-avatar@side=96", BOTH, synapse("crop", 96, 96)),
]

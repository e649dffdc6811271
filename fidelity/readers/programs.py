"""Programs that read pictures, and what each complains of. They know nothing of manifests, or ought not to mind one."""

import json
import os
import re
import shutil
import subprocess
import warnings

from PIL import Image, ImageSequence

ALL = ["JPEG", "PNG", "WebP", "GIF", "TIFF", "AVIF"]
SECONDS = 300


def run(words):
    """What a program said; one that does not end is as good as one that fails."""
    words = [str(word) for word in words]
    try:
        return subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 124, "", f"no answer within {SECONDS} s")


class SeesPixels:
    """A reader whose picture of a file can be compared with that of another."""

    def compare(self, signed, seen, before):
        """A file that was signed without a mark shows what its source shows."""
        if signed.kind.startswith("unmarked") and seen != before:
            return [f"sees other pixels than in the source: {seen[:100]} in place of {before[:100]}"]
        return []


class Program(SeesPixels):
    """A reader that is run once for each file. Whatever it says on its second channel is a complaint, and so is a status
    other than 0, and of its first channel the lines that `told` finds."""

    def __init__(self, name, formats, words, *, version, told=None, seen=False):
        self.name, self.formats, self.words = name, formats, words
        self.told, self.seen = told and re.compile(told), seen
        self.asks = version

    def missing(self):
        return None if shutil.which(str(self.words[0])) else f"`{self.words[0]}` is not installed"

    def version(self):
        done = run(self.asks)
        found = re.search(r"\d+\.\d+[\w.-]*", done.stdout + done.stderr)
        return found[0] if found else "version not told"

    def read(self, path):
        """What it complains of, and what it sees, where that can be compared."""
        done = run([word.replace("{file}", str(path)) for word in self.words])
        lines = done.stderr.splitlines()
        if self.told:
            lines += [line for line in done.stdout.splitlines() if self.told.search(line)]
        # glib puts a process id and the time before its warnings.
        lines = [re.sub(r"^\(\w+:\d+\): (.*?): [\d:.]+: ", r"\1: ", line.strip()) for line in lines if line.strip()]
        lines = [line.replace(str(path), "FILE") for line in lines]
        if done.returncode != 0:
            lines.append(f"status {done.returncode}")
        return lines, done.stdout.strip() if self.seen else None


class Exiftool:
    """exiftool, of which any number may be asked: that of the distribution is years older than that of npm. It also tells what it
    reads, so that nothing is lost between source and signed file."""

    formats = ALL
    groups = ["-EXIF:all", "-XMP:all", "-IPTC:all", "-ICC_Profile:all", "-PNG:all", "-File:Comment", "-GIF:Comment"]
    # Where something lies; properties of the pixels, which follow from how they are coded; the link in the place of an earlier one,
    # of which `sign` says so.
    changing = re.compile(r"Offset|ByteCounts|PreviewImage|Thumbnail|Animation|Warning|Error|Validate|XMPToolkit|InstanceID"
                          r"|^(BitDepth|BitsPerSample|SignificantBits|ColorType|Compression|Filter|Interlace|Palette|Transparency"
                          r"|ImageWidth|ImageHeight|Provenance)$")

    def __init__(self, name, program):
        self.name, self.program = name, program

    def missing(self):
        return None if shutil.which(self.program) else f"`{self.program}` is not installed"

    def version(self):
        return run([self.program, "-ver"]).stdout.strip()

    def read(self, path):
        # A perl script that complains of itself names the place where it is installed.
        done = run([self.program, "-json", "-G0:4", "-a", "-validate", "-warning", "-error", *self.groups, path])
        try:
            told = json.loads(done.stdout)[0]
        except (ValueError, IndexError):
            return [done.stderr.strip() or f"status {done.returncode}, and said nothing"], None
        lines = [f"{key.split(':')[-1]}: {value}" for key, value in told.items() if key.endswith((":Warning", ":Error"))]
        seen = {(key.split(":")[0], key.split(":")[-1], str(value)) for key, value in told.items() if ":" in key}
        return lines + [re.sub(r"/\S*/", "", line) for line in done.stderr.splitlines() if line.strip()], seen

    def compare(self, signed, seen, before):
        """Whatever it read of the source must be there, however the file was signed; a service may drop what it likes."""
        if signed.kind == "re-signed":
            return []
        kept = {one for one in before if not self.changing.search(one[1])}
        lost, lines = kept - seen, []
        for group in sorted({group for group, _, _ in lost}):
            names = sorted(name for its, name, _ in lost if its == group)
            if len(names) == sum(its == group for its, _, _ in kept):
                lines.append(f"reads no {group} any more, all {len(names)} fields")
            else:
                lines.append(f"reads no longer, or otherwise, in {group}: {', '.join(names)}")
        return lines


class Pillow(SeesPixels):
    name, formats = "Pillow", ALL

    def missing(self):
        return None

    def version(self):
        return Image.__version__

    def read(self, path):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seen, lines = [], []
            try:
                with Image.open(path) as image:
                    for frame in ImageSequence.Iterator(image):
                        seen.append((frame.mode, frame.size, hash(frame.tobytes())))
                    # Read on demand only.
                    image.getexif().get_ifd(0x8769)
            except Exception as error:  # whatever it raises is what its user sees
                lines.append(f"{type(error).__name__}: {error}".replace(str(path), "FILE"))
        return lines + [f"{one.category.__name__}: {one.message}" for one in caught], repr(seen)


def programs(node):
    """All of them; `node` is where npm put the newer exiftool."""
    newer = os.path.join(node, "node_modules", "exiftool-vendored.pl", "bin", "exiftool")
    return [
        Exiftool("exiftool", newer),
        Exiftool("exiftool (distribution)", "exiftool"),
        Program("ImageMagick", ALL, ["identify", "-regard-warnings", "-format", "%m %w %h %#\n", "{file}"],
                version=["identify", "-version"], seen=True),
        Program("libjpeg-turbo", ["JPEG"], ["djpeg", "-outfile", os.devnull, "{file}"], version=["djpeg", "-version"]),
        Program("libpng", ["PNG"], ["pngfix", "--errors", "--warnings", "{file}"], version=["dpkg-query", "-W", "libpng-tools"],
                told=r"^(?!IDAT OK|iCCP OK|zTXt OK|iTXt OK)"),
        Program("pngcheck", ["PNG"], ["pngcheck", "-q", "{file}"], version=["pngcheck", "-V"], told="."),
        Program("libwebp", ["WebP"], ["webpinfo", "{file}"], version=["dpkg-query", "-W", "webp"],
                told="warning|rror detected(?<!No error detected)"),
        Program("dwebp", ["WebP"], ["dwebp", "-quiet", "{file}", "-o", os.devnull], version=["dwebp", "-version"]),
        Program("giflib", ["GIF"], ["giftext", "{file}"], version=["dpkg-query", "-W", "giflib-tools"],
                told="^GIF-LIB|[Ee]rror"),
        Program("gifsicle", ["GIF"], ["gifsicle", "--info", "{file}"], version=["gifsicle", "--version"]),
        Program("libtiff", ["TIFF"], ["tiffinfo", "-D", "{file}"], version=["dpkg-query", "-W", "libtiff-tools"]),
        Program("libavif", ["AVIF"], ["avifdec", "--info", "{file}"], version=["avifdec", "--version"], told="WARNING|ERROR"),
        Program("libheif", ["AVIF"], ["heif-info", "{file}"], version=["dpkg-query", "-W", "libheif-examples"]),
        Program("exiv2", ALL, ["exiv2", "-pa", "{file}"], version=["exiv2", "--version"]),
        Program("libvips", ALL, ["vips", "avg", "{file}"], version=["vips", "--version"], told="WARNING"),
        Pillow(),
    ]

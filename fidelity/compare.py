"""Runs real programs and our recipes on the same photos and writes docs/FIDELITY.md. See README.md."""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

from cases import CASES

Image.MAX_IMAGE_PIXELS = None
KINDS = {
    "JPEG": {"exif": b"Exif\0\0", "xmp": b"http://ns.adobe.com/xap/1.0/\0", "iptc": b"Photoshop 3.0\0",
             "icc": b"ICC_PROFILE\0", "c2pa": b"jumdc2pa"},
    "PNG": {"exif": b"eXIf", "xmp": b"XML:com.adobe.xmp", "icc": b"iCCP", "c2pa": b"caBX"},
    "WEBP": {"exif": b"EXIF", "xmp": b"XMP ", "icc": b"ICCP", "c2pa": b"C2PA"},
}
# Names that the programs have where a machine has several.
ALIASES = {"convert.im": ["/usr/bin/convert", "magick"]}


def program(name):
    for candidate in ALIASES.get(name, [name]):
        found = shutil.which(candidate)
        if found:
            return found
    return None


def metadata(path, kind):
    data = path.read_bytes()
    if kind == "JPEG":
        # Metadata lies before the first scan.
        data = data[: data.find(b"\xff\xda")]
        data = data.replace(b"jumd\0\0\0\0", b"jumd")
        found = {name for name, mark in KINDS[kind].items() if name != "c2pa" and mark in data}
        return found | ({"c2pa"} if b"jumb" in data and b"c2pa" in data else set())
    if kind == "PNG":
        chunks, at = set(), 8
        while at + 8 <= len(data):
            length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
            if name == b"iTXt" and data[at + 8 :].startswith(b"XML:com.adobe.xmp"):
                chunks.add("xmp")
            chunks |= {kind for kind, mark in KINDS["PNG"].items() if mark == name}
            at += 12 + length
        return chunks
    if kind == "WEBP":
        chunks, at = set(), 12
        while at + 8 <= len(data):
            name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
            chunks |= {kind for kind, mark in KINDS["WEBP"].items() if mark == name}
            at += 8 + length + length % 2
        return chunks
    return set()


def traits(path):
    with Image.open(path) as image:
        found = {"format": image.format, "size": image.size, "metadata": metadata(path, image.format)}
        if image.format == "JPEG":
            found["tables"] = {index: list(table) for index, table in image.quantization.items()}
            found["sampling"] = [layer[1:3] for layer in image.layer]
            found["progressive"] = bool(image.info.get("progressive"))
        pixels = numpy.asarray(image.convert("RGBA" if "A" in image.getbands() else "RGB"), dtype=numpy.float64)
    if pixels.shape[2] == 4:
        # Colours under full transparency are free; both sides are seen over white.
        alpha = pixels[..., 3:] / 255
        pixels = pixels[..., :3] * alpha + 255 * (1 - alpha)
    return found, pixels


def psnr(a, b):
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


def run_real(command, source, folder, node):
    extension, *words = command
    copy = folder / ("input" + source.suffix)
    shutil.copy(source, copy)
    target = folder / ("real." + (source.suffix[1:] if extension == "same" else extension))
    fill = {"{input}": str(copy), "{output}": str(target), "{python}": sys.executable, "{node}": str(node)}
    words = [fill.get(word, word) for word in words]
    words[0] = program(words[0]) or words[0]
    done = subprocess.run(words, capture_output=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace").strip()[-200:] or f"status {done.returncode}")
    return target if str(target) in words else copy


def compare(case, sources, arguments):
    recipe, formats, command, note = case
    rows, failures = [], []
    for source, kind in sources:
        if kind not in formats:
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            ours = folder / "ours.bin"
            try:
                real = run_real(command, source, folder, arguments.node)
                done = subprocess.run([arguments.credlink, "apply", recipe, source, ours], capture_output=True, timeout=300)
                if done.returncode != 0:
                    raise RuntimeError(done.stderr.decode(errors="replace").strip()[-200:])
                (a, pixels_a), (b, pixels_b) = traits(real), traits(ours)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                failures.append(f"`{recipe}` on {source.name}: {error}")
                continue
            row = {name: a.get(name) == b.get(name) for name in ("format", "size", "tables", "sampling", "metadata")}
            row["psnr"] = row["ssim"] = None
            if pixels_a.shape == pixels_b.shape:
                row["psnr"], row["ssim"] = psnr(pixels_a, pixels_b), ssim(pixels_a, pixels_b)
            if a["metadata"] != b["metadata"]:
                row["difference"] = f"{'+'.join(sorted(a['metadata'])) or 'nothing'} against ours {'+'.join(sorted(b['metadata'])) or 'nothing'}"
            rows.append(row)
    return rows, failures


def versions():
    lines = []
    for name, words in {
        "ImageMagick": ["convert.im", "-version"], "libvips": ["vips", "--version"], "cwebp": ["cwebp", "-version"],
        "jpegoptim": ["jpegoptim", "--version"], "jpegtran": ["jpegtran", "-version"], "OptiPNG": ["optipng", "-version"],
        "pngquant": ["pngquant", "--version"], "ExifTool": ["exiftool", "-ver"],
    }.items():
        path = program(words[0])
        if path is None:
            lines.append(f"{name}: missing")
            continue
        done = subprocess.run([path, *words[1:]], capture_output=True, text=True)
        lines.append(f"{name}: {(done.stdout or done.stderr).strip().splitlines()[0]}")
    import PIL

    return [*lines, f"Pillow: {PIL.__version__}"]


def document(results, arguments, count):
    text = [
        "# Fidelity", "",
        "Generated by `fidelity/run PHOTOS`: the real program and our recipe on the same photos. Each share is over the",
        "photos that the case takes: same format, dimensions, quantisation tables, chroma sampling, kinds of metadata.",
        "PSNR and SSIM are between the two results, the median and the lowest; inf means equal pixels.", "",
        f"Photos: {count}, at most {arguments.limit} of each format." if arguments.limit else f"Photos: {count}.", "",
        "| recipe | photos | format | size | tables | sampling | metadata | PSNR, dB | lowest | SSIM | lowest |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    notes, failures = [], []
    for (recipe, _, command, note), (rows, failed) in results:
        failures += failed
        if not rows:
            text.append(f"| `{recipe}` | 0 | | | | | | | | | |")
            continue
        share = lambda name: f"{sum(row[name] for row in rows)}/{len(rows)}"
        quality = [row["psnr"] for row in rows if row["psnr"] is not None]
        likeness = [row["ssim"] for row in rows if row["ssim"] is not None]
        figure = lambda value, digits: "inf" if value == float("inf") else f"{value:.{digits}f}"
        numbers = ["", "", "", ""]
        if quality:
            numbers = [figure(statistics.median(quality), 1), figure(min(quality), 1),
                       figure(statistics.median(likeness), 4), figure(min(likeness), 4)]
        cells = [share(name) for name in ("format", "size", "tables", "sampling", "metadata")]
        text.append(f"| `{recipe}` | {len(rows)} | " + " | ".join(cells + numbers) + " |")
        if note:
            notes.append(f"- `{recipe}`: {note}.")
        for words in sorted({row["difference"] for row in rows if "difference" in row}):
            times = sum(row.get("difference") == words for row in rows)
            notes.append(f"- `{recipe}`: metadata of the real program {words} ({times} photos).")
    text += ["", "## Where they differ", "", *(notes or ["Nowhere."])]
    text += ["", "## What could not be compared", "", *([f"- {line}" for line in failures] or ["Nothing."])]
    text += ["", "## Versions", "", *[f"- {line}" for line in versions()], ""]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--credlink", type=pathlib.Path, required=True)
    parser.add_argument("--node", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/FIDELITY.md"))
    arguments = parser.parse_args()
    arguments.node = arguments.node.resolve()
    taken, sources = {}, []
    for path in sorted(arguments.photos.iterdir()):
        try:
            with Image.open(path) as image:
                kind = image.format
        except OSError:
            continue
        if kind in ("JPEG", "PNG") and (not arguments.limit or taken.get(kind, 0) < arguments.limit):
            taken[kind] = taken.get(kind, 0) + 1
            sources.append((path, kind))
    if not sources:
        sys.exit(f"{arguments.photos} holds no JPEG or PNG")
    results = []
    for case in CASES:
        print(case[0], flush=True)
        results.append((case, compare(case, sources, arguments)))
    arguments.out.write_text(document(results, arguments, len(sources)))
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()

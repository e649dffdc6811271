"""Runs real programs and our recipes on the same signed photos and writes docs/FIDELITY.md. See README.md."""

import argparse
import contextlib
import importlib.metadata
import json
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

from PIL import Image

import document
import parity
from cases import CASES
from traits import psnr, ssim, traits

# Names that the programs have where a machine has several.
ALIASES = {"convert.im": ["/usr/bin/convert", "magick"], "nginx": ["nginx", "/usr/sbin/nginx"]}


def program(name):
    for candidate in ALIASES.get(name, [name]):
        found = shutil.which(candidate)
        if found:
            return found
    return None


def timed(words):
    """Runs a program; its output, and the CPU time of it and of what it started, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, errors="replace", timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip()[-200:] or f"status {done.returncode}")
    return done.stdout, spent


def run_real(case, server, source, folder, node):
    if server:
        target = folder / ("real" + source.suffix)
        return target, server.fetch(source, target)
    extension, *words = case.command
    copy = folder / ("input" + source.suffix)
    shutil.copy(source, copy)
    target = folder / ("real." + (source.suffix[1:] if extension == "same" else extension))
    fill = {"{input}": str(copy), "{output}": str(target), "{python}": sys.executable, "{node}": str(node)}
    for mark, value in fill.items():
        words = [word.replace(mark, value) for word in words]
    words[0] = program(words[0]) or words[0]
    said, spent = timed(words)
    own = re.search(r"^cpu_ms ([0-9.]+)$", said, re.MULTILINE)
    return (target if str(target) in words else copy), float(own[1]) if own else spent


def run_ours(credlink, recipe, source, target):
    """CPU time of our recipe: that of `apply`, less what it takes to start and to decode the result, which is what the
    identity takes on the result."""
    _, spent = timed([credlink, "apply", recipe, source, target])
    _, idle = timed([credlink, "apply", "controls/identity", target, target.with_suffix(".same")])
    return max(spent - idle, 0.0)


def one(case, server, photo, arguments):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = folder / "ours.bin"
        real, real_ms = run_real(case, server, photo["signed"], folder, arguments.node)
        ours_ms = run_ours(arguments.credlink, case.recipe, photo["signed"], ours)
        (a, pixels_a), (b, pixels_b) = traits(real), traits(ours)
        row = {name: a.get(name) == b.get(name) for name in ("format", "size", "tables", "sampling", "metadata")}
        row["bytes"] = real.read_bytes() == ours.read_bytes()
        row.update(photo=photo["name"], recipe=case.recipe, real_ms=real_ms, ours_ms=ours_ms, psnr=None, ssim=None)
        if pixels_a.shape == pixels_b.shape:
            row["psnr"], row["ssim"] = psnr(pixels_a, pixels_b), ssim(pixels_a, pixels_b)
        if a["metadata"] != b["metadata"]:
            words = ["+".join(sorted(side["metadata"])) or "nothing" for side in (a, b)]
            row["difference"] = f"{words[0]} against ours {words[1]}"
        row["real"] = photo["signer"].verify(real, photo["proof"])
        row["ours"] = photo["signer"].verify(ours, photo["proof"])
        return row


def with_gifs(paths, folder):
    """The photos, and GIFs that Pillow makes of the PNGs among them, as no collection of photos has any."""
    for path in paths:
        yield path
        if path.suffix == ".png":
            made = pathlib.Path(folder) / (path.stem + ".gif")
            with contextlib.suppress(OSError), Image.open(path) as image:
                image.convert("RGB").save(made)
                yield made


def photos(arguments, folder):
    """The first photos of each format, signed; and what could not be signed, in words."""
    taken, found, refused = {}, [], []
    made = folder / "made"
    made.mkdir()
    # The GIFs are the same pictures once more: in one store with the PNGs, a fingerprint would lead to two proofs.
    first, second = (parity.Signer(arguments.credlink.resolve(), folder / name) for name in ("photos", "gifs"))
    signers = {"JPEG": first, "PNG": first, "GIF": second}
    for path in with_gifs(sorted(arguments.photos.iterdir()), made):
        try:
            with Image.open(path) as image:
                kind, pixels = image.format, image.size[0] * image.size[1]
        except OSError:
            continue
        limit = arguments.limit and taken.get(kind, 0) >= arguments.limit
        if kind not in signers or limit or pixels > 1e6 * arguments.megapixels:
            continue
        try:
            signed, proof = signers[kind].sign(path)
        except RuntimeError as error:
            refused.append(f"{path.name} could not be signed: {error}")
            continue
        taken[kind] = taken.get(kind, 0) + 1
        found.append({"name": path.name, "signed": signed, "proof": proof, "kind": kind, "signer": signers[kind]})
    return found, refused


def measured(case, wanted, arguments):
    """The rows of a case, kept as soon as they are there, and what went wrong, in words."""
    rows, failures = [], []
    if not wanted:
        return rows, failures
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        server = None
        if case.server:
            try:
                server = stack.enter_context(case.server.run(program, pathlib.Path(folder), arguments.node))
                # The first answer is later than the others: what is loaded on demand is loaded.
                server.fetch(wanted[0]["signed"], pathlib.Path(folder) / "first")
            except (RuntimeError, OSError) as error:
                return rows, [f"`{case.recipe}`: {error}"]
        for photo in wanted:
            try:
                row = one(case, server, photo, arguments)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                failures.append(f"`{case.recipe}` on {photo['name']}: {' '.join(str(error).split())}")
                continue
            rows.append(row)
            if arguments.rows:
                with arguments.rows.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return rows, failures


def versions(node):
    lines = []
    for name, words in {
        "ImageMagick": ["convert.im", "-version"], "libvips": ["vips", "--version"], "cwebp": ["cwebp", "-version"],
        "avifenc": ["avifenc", "--version"], "cjxl": ["cjxl", "--version"], "heif-enc": ["heif-enc", "-h"],
        "gifsicle": ["gifsicle", "--version"], "jpegoptim": ["jpegoptim", "--version"], "jpegtran": ["jpegtran", "-version"],
        "OptiPNG": ["optipng", "-version"], "pngquant": ["pngquant", "--version"], "ExifTool": ["exiftool", "-ver"], "nginx": ["nginx", "-v"],
    }.items():
        path = program(words[0])
        if path is None:
            lines.append(f"{name}: missing")
            continue
        done = subprocess.run([path, *words[1:]], capture_output=True, text=True)
        said = (done.stdout or done.stderr).strip()
        lines.append(f"{name}: {said.splitlines()[0]}" if said else f"{name}: says nothing")
    for name in ("Pillow", "pyoxipng", "thumbor", "matrix-synapse"):
        try:
            lines.append(f"{name}: {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{name}: missing")
    for name in ("sharp", "exiftool-vendored.pl", "ipx", "ipx/node_modules/sharp", "next", "@tryghost/image-transform"):
        described = node / "node_modules" / name / "package.json"
        lines.append(f"{name}: {json.loads(described.read_text())['version'] if described.exists() else 'missing'}")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--credlink", type=pathlib.Path, required=True)
    parser.add_argument("--node", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="photos of each format; 0 for all")
    parser.add_argument("--megapixels", type=float, default=1e9, help="leave larger photos out")
    parser.add_argument("--only", help="cases whose recipe holds these words")
    parser.add_argument("--rows", type=pathlib.Path, help="where pairs are kept as JSON, one a line; those there are not measured again")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/FIDELITY.md"))
    arguments = parser.parse_args()
    parity.test()
    arguments.node = arguments.node.resolve()
    with tempfile.TemporaryDirectory() as folder:
        taken, failures = photos(arguments, pathlib.Path(folder))
        if not taken:
            sys.exit(f"{arguments.photos} holds no JPEG or PNG that could be signed")
        kept = arguments.rows.read_text().splitlines() if arguments.rows and arguments.rows.exists() else []
        rows = [json.loads(line) for line in kept]
        known = {(row["recipe"], row["photo"]) for row in rows}
        names = {photo["name"] for photo in taken}
        for case in CASES:
            if arguments.only and arguments.only not in case.recipe:
                continue
            print(case.recipe, flush=True)
            wanted = [photo for photo in taken if photo["kind"] in case.formats and (case.recipe, photo["name"]) not in known]
            found, refused = measured(case, wanted, arguments)
            rows += found
            failures += refused
        rows = [row for row in rows if row["photo"] in names]
    kinds = [photo["kind"] for photo in taken]
    described = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), reverse=True))
    text, faults = document.document(CASES, rows, failures, described, versions(arguments.node))
    arguments.out.write_text(text)
    print(f"wrote {arguments.out}")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()

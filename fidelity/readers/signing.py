"""Signs each source in every kind: marked and not, once and twice, and signed again by services that process the picture."""

import json
import pathlib
import re
import subprocess
from dataclasses import dataclass

# The recipes that end with a signature of the service's own; they take JPEG, PNG and WebP, or JPEG alone.
SERVICES = [
    "conversion/resign-after", "cdn/cloudflare-credentials@w=640", "cdn/cloudinary-credentials", "cdn/fastly-credentials",
    "cdn/imagekit-credentials@w=640",
]
KINDS = ["unmarked", "marked", "unmarked twice", "marked twice", "re-signed"]
MAGIC = [("JPEG", 0, b"\xff\xd8\xff"), ("PNG", 0, b"\x89PNG"), ("WebP", 8, b"WEBP"), ("GIF", 0, b"GIF8"), ("TIFF", 0, b"II*\0"),
         ("TIFF", 0, b"MM\0*"), ("TIFF", 0, b"II+\0"), ("TIFF", 0, b"MM\0+"), ("AVIF", 4, b"ftypavi")]
SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "GIF": ".gif", "TIFF": ".tif", "AVIF": ".avif"}


def format_of(path):
    """The format by the first bytes; None if it is none that is signed."""
    with open(path, "rb") as file:
        head = file.read(16)
    return next((name for name, at, mark in MAGIC if head[at : at + len(mark)] == mark), None)


@dataclass
class Signed:
    """A signed file, and what it was made from. `original` is the source that was signed first."""

    path: pathlib.Path
    original: pathlib.Path
    kind: str
    format: str
    # The service that signed last, if it was not us; and what it makes of the unsigned source, where it leaves that unsigned:
    # complaints about the processing are none about the signature.
    service: str = ""
    plain: pathlib.Path = None


class Signer:
    """Keys and proofs of one run."""

    def __init__(self, credlink, folder):
        self.credlink, self.folder = [str(word) for word in credlink], folder
        self.keys, self.store = folder / "keys", folder / "proofs"
        self.run("keys", "generate", self.keys, "--name", "Readers")
        self.anchor = (self.keys / "anchor.pem").read_text(encoding="ascii")
        # What could not be signed or not be marked, in the signer's words: (source, kind, words).
        self.refused = []

    def run(self, *words):
        done = subprocess.run([*self.credlink, *map(str, words)], capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-300:].replace("\n", " ")
            # Paths of this machine say nothing to a reader of the document.
            raise RuntimeError(re.sub(r"/\S*/", "", said) or f"status {done.returncode}")
        return done.stdout

    def sign(self, source, original, kind, *options):
        """The signed file and whether it carries a mark; None where it was refused."""
        target = self.folder / kind.replace(" ", "-") / original.name
        target.parent.mkdir(exist_ok=True)
        try:
            said = self.run("sign", "--json", "--keys", self.keys, "--store", self.store, *options, source, target)
        except RuntimeError as error:
            self.refused.append((original.name, kind, str(error)))
            return None, False
        told = json.loads(said)
        if not options and told["psnr"] is None:
            self.refused.append((original.name, kind, told["watermark"]))
        return Signed(target, original, kind, format_of(target)), told["psnr"] is not None

    def all_kinds(self, original):
        """Every signed file that is made from this source. One that takes no mark is not counted as marked."""
        unmarked, _ = self.sign(original, original, "unmarked", "--no-watermark")
        if unmarked is None:
            return []
        found = [unmarked, self.sign(unmarked.path, original, "unmarked twice", "--no-watermark")[0]]
        marked, carries = self.sign(original, original, "marked")
        if marked and carries:
            found += [marked, self.sign(marked.path, original, "marked twice")[0]]
        last = marked or unmarked
        found += [self.resign(last, service) for service in SERVICES]
        return [signed for signed in found if signed]

    def resign(self, signed, service):
        name = f"{signed.original.stem}-{signed.format.lower()}-{service.split('/')[1].split('@')[0]}"
        try:
            path = self.apply(service, signed.path, "re-signed", name)
            plain = self.apply(service, signed.original, "processed", name)
        except RuntimeError as error:
            # A service that does not take this format says so; anything else is told.
            if "takes only" not in str(error):
                self.refused.append((signed.original.name, service, str(error)))
            return None
        if b"jumdc2pa" in plain.read_bytes():
            plain = None
        return Signed(path, signed.original, "re-signed", format_of(path), service, plain)

    def apply(self, service, source, folder, name):
        """What the service makes of a file, named by its format."""
        target = self.folder / folder / name
        target.parent.mkdir(exist_ok=True)
        self.run("apply", service, source, target)
        return target.rename(target.with_name(name + SUFFIX.get(format_of(target), "")))

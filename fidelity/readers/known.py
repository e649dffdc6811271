"""What is known of each reader: every complaint about a signed file that is no finding, with whose fault it is and why. A complaint
that no entry matches fails the check. A reader stands with the version in which it was looked into; others count as well."""

import re
from dataclasses import dataclass


@dataclass
class Known:
    # Version by reader.
    readers: dict
    # Formats and kinds that it is said of; all, where none is given.
    formats: list
    kinds: list
    # The complaint, as a regular expression.
    pattern: str
    # "reader": a bug of the reader. "library": of the C2PA library that we sign with. "ours": of this project. "nobody": nothing is
    # wrong, it is said all the same; the file still counts as accepted.
    fault: str
    why: str
    # What must be true of the file's bytes besides, so that the entry excuses no more than it explains.
    only: object = None

    def fits(self, reader, signed, complaint):
        return (reader in self.readers and signed.format in (self.formats or [signed.format])
                and signed.kind in (self.kinds or [signed.kind]) and re.search(self.pattern, complaint) is not None
                and (self.only is None or self.only(signed.path.read_bytes())))


LIBRARY = "c2pa-rs 0.90.22"
JUDGES = {"c2pa-python": "0.38.1", "encypher-c2pa": "1.7.1"}
EXIFTOOLS = {"exiftool": "13.59", "exiftool (distribution)": "12.57"}
RESIGNED = ["re-signed"]

KNOWN = [
    # --- faults, of whomever ---
    Known({"libtiff": "4.5.0", "ImageMagick": "6.9.11"}, ["TIFF"], [], 'missing required "ImageLength" field|^status 1$', "library",
          "the manifest stands alone in the last directory, as C2PA 2.2, A.3.5, wants it, and libtiff takes every directory of the "
          "chain for a page, which needs a length. The pages before it are read. `sign` warns of it (contentauth/c2pa-rs#1894)"),
    Known({"Pillow": "13.0.0"}, ["TIFF"], [], "TypeError: Missing dimensions", "library",
          "asked for every page, it fails at that directory; the pages before it are read"),
    Known(EXIFTOOLS, ["TIFF"], [], r"\[minor\] Odd offset for IFD0 tag", "library",
          f"{LIBRARY} writes the file anew, and values of directories at odd offsets where a strip has an odd length; TIFF 6.0, "
          "section 2, wants them even. c2pa-rs 0.91.3 does not do it"),
    Known({"ImageMagick": "6.9.11"}, ["WebP"], [], r"CorruptImageProfile .FILE. \(XMP\)|^status 1$", "reader",
          "it says so of every WebP with XMP, also of a packet that holds nothing but an empty `rdf:RDF`, and takes the same packet "
          "in a JPEG; a source without XMP has some only once it is signed"),
    Known({"c2pa-ts": "0.9.4"}, ["AVIF"], [], "failure assertion.bmffHash.mismatch", "reader",
          "`getBoxByPath` finds no `/uuid` where there are two, so the manifest's box is not left out of the hash; C2PA 2.2 tells "
          "boxes of one path apart by `data`. The other `uuid` box is our XMP"),
    Known({"credlink": "0.1.0"}, [], [], "TIFF files of several pages cannot be signed", "library",
          f"{LIBRARY} writes the manifest's tag into the last page's directory too, where the placeholder of the first pass stays; C2PA "
          "2.2, A.3.5, wants the store once, alone in the last directory. `sign` refuses such a file and says so"),
    Known({"credlink": "0.1.0"}, [], [], "BigTIFF", "library", f"{LIBRARY} cannot write into a BigTIFF; `sign` refuses it and says so"),
    # --- said, and nothing is wrong ---
    Known(JUDGES, [], [], "note signingCredential.ocsp.skipped", "nobody",
          "neither asks a server whether the certificate was revoked, and the test authority has none"),
    Known(JUDGES, [], [], "note ingredient.unknownProvenance", "nobody",
          "the file that was handed in had no manifest; true of every first signature"),
    Known(JUDGES, [], RESIGNED, "failure signingCredential.untrusted|^state Valid$|^trust not_valid_for_supplied_material$", "nobody",
          "the service is simulated, so nobody vouches for its keys; valid and not trusted is the right answer"),
    Known(JUDGES, ["AVIF"], [], "note assertion.bmffHash.additionalExclusionsPresent", "nobody",
          f"{LIBRARY} leaves `/free` and `/skip` out of the hash too; they hold nothing of the picture, and validators note it"),
    Known(JUDGES, ["TIFF"], [], "note assertion.dataHash.additionalExclusionsPresent", "nobody",
          f"{LIBRARY} leaves the length of the manifest in its directory out of the hash too, four bytes, and validators note it"),
    Known({"libtiff": "4.5.0", "ImageMagick": "6.9.11", "libvips": "8.14.1"}, ["TIFF"], [], "[Uu]nknown field with tag 52545", "nobody",
          "libtiff does not know the manifest's tag"),
    Known({"exiftool (distribution)": "12.57"}, ["TIFF"], [], r"\[minor\] Unknown IFD\d tag 0xcd41", "nobody", "older than the tag"),
    Known({"libwebp": "1.2.4"}, ["WebP"], [], r"There were \d+ warning\(s\)|Warning: Unknown chunk", "nobody",
          "`webpinfo` does not know the manifest's chunk; the container allows unknown chunks"),
]

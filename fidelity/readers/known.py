"""What is known of each reader: every complaint about a signed file that is no finding, with whose fault it is and why. A complaint
that no entry matches fails the check; so does nothing else. The version is the one in which it was seen and looked into."""

import re
from dataclasses import dataclass


@dataclass
class Known:
    reader: str
    seen_in: str
    formats: list
    kinds: list
    # The complaint, as a regular expression.
    pattern: str
    # "reader": a bug of the reader. "library": of the C2PA library that we sign with.
    # "ours": of this project. "nobody": nothing is wrong, it is said all
    # the same; the file still counts as accepted.
    fault: str
    why: str

    def fits(self, reader, signed, complaint):
        return (reader == self.reader and signed.format in (self.formats or [signed.format])
                and signed.kind in (self.kinds or [signed.kind]) and re.search(self.pattern, complaint) is not None)


RESIGNED = ["re-signed"]


def of_each(readers, seen_in, formats, kinds, pattern, fault, why):
    return [Known(reader, version, formats, kinds, pattern, fault, why) for reader, version in zip(readers, seen_in)]


JUDGES, SEEN = ["c2pa-python", "encypher-c2pa"], ["0.38.1", "1.7.1"]
LIBTIFF, LIBTIFF_SEEN = ["libtiff", "ImageMagick"], ["4.5.0", "6.9.11"]
EXIFTOOLS = (("exiftool", "13.59"), ("exiftool (distribution)", "12.57"))

KNOWN = [
    # --- readers of manifests ---
    *of_each(JUDGES, SEEN, [], [], "note signingCredential.ocsp.skipped", "nobody",
             "neither asks a server whether the certificate was revoked, and the test authority has none"),
    *of_each(JUDGES, SEEN, [], [], "note ingredient.unknownProvenance", "nobody",
             "the file that was handed in had no manifest; true of every first signature"),
    *of_each(JUDGES, SEEN, [], RESIGNED, "failure signingCredential.untrusted", "nobody",
             "the service is simulated, so nobody vouches for its keys; that they are not trusted is the right answer"),
    Known("c2pa-python", "0.38.1", [], RESIGNED, "^state Valid$", "nobody", "valid, of a signer whom nobody vouches for: see there"),
    Known("encypher-c2pa", "1.7.1", [], RESIGNED, "^trust not_valid_for_supplied_material$", "nobody",
          "valid, of a signer whom nobody vouches for: see there"),
    *of_each(JUDGES, SEEN, ["AVIF"], [], "note assertion.bmffHash.additionalExclusionsPresent", "library",
             "c2pa-rs 0.90.22 leaves `/free` and `/skip` out of the hash beside the boxes that C2PA 2.2 demands, so those boxes "
             "may be changed unnoticed; nothing of the picture lies there"),
    *of_each(JUDGES, SEEN, ["TIFF"], [], "note assertion.dataHash.additionalExclusionsPresent", "library",
             "c2pa-rs 0.90.22 leaves the four bytes of the manifest's length in its directory out of the hash beside the manifest"),
    Known("encypher-c2pa", "1.7.1", ["TIFF"], [], "signingCredential.invalid|claimSignature|timeStamp.malformed|"
          "timeOfSigning.outsideValidity|^integrity invalid$|^signature invalid$|^trust not_valid_for_supplied_material$", "library",
          "a TIFF of several pages: c2pa-rs 0.90.22 (`tiff_io.rs`, `has_c2pa_ifd`) writes the manifest's tag into the last page's "
          "directory as well, where the placeholder of the first pass stays; C2PA 2.2, A.3.5, wants the store once, alone in the "
          "last directory. c2pa-rs 0.91.3 writes it once"),
    Known("exiftool", "13.59", ["TIFF"], [], r"Invalid CBOR|CBOR\.pm", "library", "reads that placeholder too: see encypher-c2pa"),
    Known("c2pa-ts", "0.9.4", ["AVIF"], [], "failure assertion.bmffHash.mismatch", "reader",
          "`getBoxByPath` finds no `/uuid` where there are two, so the manifest's box is not left out of the hash; C2PA 2.2 tells "
          "the boxes of one path apart by `data`. The other `uuid` box is our XMP"),
    # --- programs that read pictures ---
    *[Known(name, version, ["PNG"], [], "IFD0 pointer references previous JUMBFBox directory|^reads no EXIF any more", "reader",
            "exiftool takes the directory in `eXIf` for that in `caBX`, since both begin at offset 8 of their chunks, and then "
            "reads no EXIF at all. It would with `caBX` behind `eXIf`, where PNG and C2PA allow it, but c2pa-rs puts it behind IHDR")
      for name, version in EXIFTOOLS],
    *[Known(name, version, ["AVIF"], [], "Duplicate XMP at MOV-XMP", "ours",
            "the link goes into a `uuid` box, as in MP4; the file's own XMP is an item of `meta`, as HEIF has it, and stays there as "
            "it was. So there are two packets, and readers of HEIF take the old one, without the link")
      for name, version in EXIFTOOLS],
    *[Known(name, version, ["TIFF"], [], r"\[minor\] Odd offset for IFD0 tag", "library",
            "c2pa-rs 0.90.22 writes a file anew with values of its directories at odd offsets where the strips have an odd length; "
            "TIFF 6.0, section 2, wants them even. c2pa-rs 0.91.3 does not do it")
      for name, version in EXIFTOOLS],
    Known("exiftool (distribution)", "12.57", ["TIFF"], [], r"\[minor\] Unknown IFD\d tag 0xcd41", "nobody", "older than the tag"),
    *of_each([*LIBTIFF, "libvips"], [*LIBTIFF_SEEN, "8.14.1"], ["TIFF"], [], "[Uu]nknown field with tag 52545", "nobody",
             "libtiff does not know the manifest's tag and says so"),
    *of_each(LIBTIFF, LIBTIFF_SEEN, ["TIFF"], [], 'missing required "ImageLength" field|^status 1$', "library",
             "C2PA 2.2, A.3.5, wants the manifest alone in the last directory, and libtiff takes every directory of the chain for a "
             "page, which needs a length. The pages before it are read. `sign` warns of it (contentauth/c2pa-rs#1894)"),
    Known("Pillow", "13.0.0", ["TIFF"], [], "TypeError: Missing dimensions", "library",
          "it fails at the manifest's directory if asked for every page; the pages before it are read (see libtiff)"),
    Known("ImageMagick", "6.9.11", ["WebP"], [], r"CorruptImageProfile `FILE' \(XMP\)|^status 1$", "reader",
          "it says so of every WebP with XMP, also of a packet that holds nothing but an empty `rdf:RDF`, and takes the same packet "
          "in a JPEG; a source without XMP has it only once it is signed"),
    Known("libwebp", "1.2.4", ["WebP"], [], r"There were \d+ warning\(s\)|Warning: Unknown chunk", "nobody",
          "`webpinfo` does not know the chunk of the manifest and says so; the container allows unknown chunks"),
    Known("exiv2", "0.27.6", ["AVIF"], [], "Exiv2 exception in print action|corrupted image metadata|^status 1$", "reader",
          "it reads the packet in a `uuid` box by the length of the whole box and so beyond the end of the file where that box is "
          "the last; with a `free` box behind it, it reads the packet"),
    # --- ourselves ---
    Known("credlink", "0.1.0", [], [], "BigTIFF", "library", "c2pa-rs 0.90.22 cannot write into a BigTIFF; `sign` refuses it and says so"),
]

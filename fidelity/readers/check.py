"""Lets other programs read what we sign, and writes docs/READERS.md. See README.md."""

import argparse
import pathlib
import re
import shlex
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

try:
    import credentials
    import damage
    import document
    import inputs
    from known import KNOWN
    from programs import programs
    from signing import Signed, Signer, format_of
except ImportError as error:
    print(f"the check could not run: {error}", file=sys.stderr)
    sys.exit(2)


DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "READERS.md"


@dataclass
class Row:
    """One reader's word on one signed file."""

    reader: str
    signed: object
    # Complaints that the source did not have: those that are known with their entry, and the others.
    named: list = field(default_factory=list)
    findings: list = field(default_factory=list)

    @property
    def accepted(self):
        return not self.findings and all(entry.fault == "nobody" for _, entry in self.named)


def shape(complaint):
    """The complaint without its numbers: the same one about the source may name another offset."""
    return re.sub(r"0x[0-9a-fA-F]+|\d+", "#", complaint)


def judge(reader, signed, complaints, of_source):
    row, before = Row(reader, signed), {shape(one) for one in of_source} - {credentials.NO_MANIFEST}
    for complaint in dict.fromkeys(complaints):
        if shape(complaint) in before:
            continue
        entry = next((entry for entry in KNOWN if entry.fits(reader, signed, complaint)), None)
        if entry:
            row.named.append((complaint, entry))
        else:
            row.findings.append(complaint)
    return row


def read_all(readers, sources, files, workers):
    """A row for each reader and signed file whose format it reads."""
    rows, formats = [], {source: format_of(source) for source in sources}
    with ThreadPoolExecutor(workers) as pool:
        for reader in readers["programs"]:
            theirs = [source for source in sources if formats[source] in reader.formats]
            before = {source: ([], None) for source in sources} | dict(zip(theirs, pool.map(reader.read, theirs)))
            mine = [signed for signed in files if signed.format in reader.formats]
            processed = pool.map(lambda signed: reader.read(signed.plain)[0] if signed.plain else [], mine)
            after = pool.map(lambda signed: reader.read(signed.path), mine)
            for signed, (complaints, seen), also in zip(mine, after, processed):
                known, shown = before[signed.original]
                if seen and shown:
                    complaints = complaints + reader.compare(signed, seen, shown)
                rows.append(judge(reader.name, signed, complaints, known + also))
            print(f"read by {reader.name}: {len(mine)} files", file=sys.stderr)
    for reader in readers["credentials"]:
        before = {path: reader.read(path, formats[path]) if formats[path] in reader.formats else [] for path in sources}
        mine = [signed for signed in files if signed.format in reader.formats]
        rows += [judge(reader.name, signed, reader.read(signed.path, signed.format), before[signed.original]) for signed in mine]
        print(f"read by {reader.name}: {len(mine)} files", file=sys.stderr)
    return rows


def split(readers, without):
    """The readers that can be asked, and those that cannot, with the reason."""
    there, absent = {}, []
    for group, members in readers.items():
        there[group] = []
        for reader in members:
            reason = "left out by `--without`" if reader.name in without else reader.missing()
            if reason:
                absent.append((reader, reason))
            else:
                there[group].append(reader)
    return there, absent


def manifest_readers(options, anchor, anchor_file):
    return [credentials.C2paPython(anchor), credentials.Encypher(anchor), credentials.C2paTs(options.node),
            credentials.Suite(options.suite, anchor_file)]


def gather(arguments, folder):
    """The sources, and files of the user's folder that are of no format that we sign."""
    made = folder / "sources"
    made.mkdir()
    if not arguments.files:
        return inputs.make(made, arguments.seed), []
    found = sorted(path for path in arguments.files.iterdir() if path.is_file())
    sources = [path for path in found if format_of(path)]
    return sources, [path.name for path in found if not format_of(path)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="?", type=pathlib.Path, help="a directory of files to sign, in place of those that are made")
    parser.add_argument("--credlink", required=True, type=shlex.split, help="the command of the program")
    parser.add_argument("--node", required=True, help="where npm installed")
    parser.add_argument("--suite", help="the command `c2pa-conform`")
    parser.add_argument("--without", action="append", default=[], metavar="READER", help="leave this reader out")
    parser.add_argument("--seed", type=int, default=1, help="of the files that are made")
    parser.add_argument("--signed", type=pathlib.Path, metavar="FILE",
                        help="sign nothing: let the readers of manifests judge this file")
    parser.add_argument("--anchor", type=pathlib.Path, metavar="PEM", help="whom to trust, with --signed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path,
                        help="an empty directory for sources and signed files; else they are deleted")
    parser.add_argument("--document", type=pathlib.Path,
                        help="where to write the document; for the files that are made, docs/READERS.md is the default")
    return parser.parse_args()


def check(options, folder):
    signer = Signer(options.credlink, folder)
    judges = manifest_readers(options, signer.anchor, signer.keys / "anchor.pem")
    readers = {"programs": programs(options.node), "credentials": judges}
    readers, absent = split(readers, options.without)
    # The suite alone is asked for; any other reader that is absent means that this was not the check.
    lacking = [f"{reader.name}: {reason}" for reader, reason in absent
               if not isinstance(reader, credentials.Suite) and reader.name not in options.without]
    if lacking:
        raise RuntimeError("; ".join(lacking))
    sources, left_out = gather(options, folder)
    files = [signed for source in sources for signed in signer.all_kinds(source)]
    if not files:
        raise RuntimeError("nothing could be signed: " + "; ".join(words for *_, words in signer.refused))
    print(f"{len(sources)} sources, {len(files)} signed files", file=sys.stderr)
    rows = read_all(readers, sources, files, options.workers)
    broken = damage.check(readers["credentials"], files, folder)
    for reader in readers["credentials"]:
        if hasattr(reader, "close"):
            reader.close()
    versions = [(reader.name, reader.version()) for group in readers.values() for reader in group]
    program = signer.run("--version").strip()
    result = document.Result(rows, broken, sources, files, signer.refused, left_out, absent, versions, program, options)
    print(document.summary(result))
    target = options.document or (None if options.files else DOCUMENT)
    if target:
        target.write_text(document.document(result), encoding="utf-8")
    return 1 if document.faults(result) else 0


def read_signed(options):
    """What every reader of manifests says of one signed file; nothing is signed."""
    path, kind = options.signed, format_of(options.signed)
    if kind is None or options.anchor is None:
        raise RuntimeError("--signed takes a JPEG, PNG, WebP, GIF, TIFF or AVIF, and an anchor by --anchor")
    anchor = options.anchor.read_text(encoding="ascii")
    readers, absent = split({"credentials": manifest_readers(options, anchor, options.anchor)}, options.without)
    signed, wrong = Signed(path, path, "unmarked", kind), False
    for reader in readers["credentials"]:
        if kind not in reader.formats:
            print(f"{reader.name}: does not read {kind}")
            continue
        row = judge(reader.name, signed, reader.read(path, kind), [])
        wrong |= bool(row.findings)
        print(f"{reader.name} {reader.version()}: {'accepted' if row.accepted else 'not accepted'}")
        for line in row.findings:
            print(f"  {line}")
        for line, entry in row.named:
            print(f"  {line} (known: {entry.why})")
    for reader, reason in absent:
        print(f"NOT CHECKED: {reader.name}: {reason}")
    return 1 if wrong else 0


def main():
    options = arguments()
    try:
        if options.signed:
            return read_signed(options)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            return check(options, options.keep)
        with tempfile.TemporaryDirectory() as folder:
            return check(options, pathlib.Path(folder))
    except (RuntimeError, OSError, ImportError) as error:
        print(f"the check could not run: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

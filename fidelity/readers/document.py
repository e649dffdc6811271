"""docs/READERS.md, and whether the check holds."""

import platform
import re
from dataclasses import dataclass

from known import KNOWN
from programs import ALL
from signing import KINDS, SERVICES

FAULTS = {"reader": "the reader", "library": "the C2PA library that signs", "ours": "ours, open"}


@dataclass
class Result:
    rows: list
    broken: list
    sources: list
    files: list
    # (source, kind, words) of what was not signed or not marked.
    refused: list
    # Files of the user's folder that are of no format that is signed.
    left_out: list
    # (reader, reason) of those that were not asked.
    absent: list
    versions: list
    program: str
    options: object


def entries(result):
    """The known complaints that were met, numbered in the order of the table."""
    met = {}
    for row in result.rows:
        for _, entry in row.named:
            met.setdefault(id(entry), entry)
    return [entry for entry in KNOWN if id(entry) in met]


def findings(result):
    """Complaints that nobody knows, together with the files that they are about."""
    found = {}
    for row in result.rows:
        for complaint in row.findings:
            key, service = (row.reader, row.signed.format, row.signed.kind, complaint), row.signed.service
            found.setdefault(key, []).append(row.signed.path.name + (f" ({service})" if service else ""))
    return found


def faults(result):
    """Whatever fails the check, one line each."""
    more = lambda names: ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    lines = [f"{reader}, {kind}, {how}: {complaint} ({more(names)})"
             for (reader, kind, how, complaint), names in findings(result).items()]
    lines += [f"{one.reader} did not notice a broken {one.format}: {one.how}" for one in result.broken if not one.noticed]
    # A folder of the user's may hold what cannot be signed; of the files that are made, all can be.
    lines += [line for line, entry in unsigned(result) if not entry and not result.options.files]
    return lines


def unsigned(result):
    """Refusals to sign, with the known reason; not those to set a mark, which leave no hole in the table."""
    mine = [entry for entry in KNOWN if "credlink" in entry.readers]
    return [(f"{name}, {kind}: {words}", next((entry for entry in mine if re.search(entry.pattern, words)), None))
            for name, kind, words in result.refused if not words.startswith("no watermark")]


def cell(result, reader, kind, how, numbers):
    mine = [row for row in result.rows if (row.reader, row.signed.format, row.signed.kind) == (reader, kind, how)]
    if not mine:
        return ""
    bad = sorted({numbers[id(entry)] for row in mine for _, entry in row.named if entry.fault != "nobody"})
    notes = f" [{', '.join(map(str, bad))}]" if bad else ""
    return f"{sum(row.accepted for row in mine)} of {len(mine)}{notes}"


def table(header, lines):
    clean = [[str(value).replace("|", "\\|").replace("\n", " ") for value in line] for line in lines]
    return ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)] + ["| " + " | ".join(line) + " |" for line in clean]


def accepted_table(result):
    numbers = {id(entry): number for number, entry in enumerate(entries(result), 1)}
    lines = []
    for reader, _ in result.versions:
        for kind in ALL:
            cells = [cell(result, reader, kind, how, numbers) for how in KINDS]
            if any(cells):
                lines.append([reader, kind, *cells])
    return table(["reader", "format", *KINDS], lines)


def known_table(result, faults):
    """The faults, or what is said though nothing is wrong."""
    lines = []
    for number, entry in enumerate(entries(result), 1):
        if (entry.fault in FAULTS) != faults:
            continue
        rows = [row for row in result.rows if any(one is entry for _, one in row.named)]
        where = ", ".join(kind for kind in ALL if any(row.signed.format == kind for row in rows))
        files = len({row.signed.path for row in rows})
        readers = ", ".join(f"{reader} {version}" for reader, version in entry.readers.items())
        said = [readers, where, files, f"`{entry.pattern}`"]
        lines.append([number, *said, FAULTS[entry.fault], entry.why] if faults else [*said, entry.why])
    if faults:
        return table(["", "reader, looked into", "formats", "files", "what it says", "whose fault", "why"], lines)
    return table(["reader, looked into", "formats", "files", "what it says", "why"], lines)


def broken_table(result):
    readers = list(dict.fromkeys(one.reader for one in result.broken))
    lines = []
    for kind, how in dict.fromkeys((one.format, one.how) for one in result.broken):
        said = {one.reader: one for one in result.broken if (one.format, one.how) == (kind, how)}
        new = lambda one: "; ".join(words[:60] for words in one.complaints if words not in one.before)[:130] or (
            "refuses the unbroken one as well" if one.noticed else "NOTHING")
        lines.append([kind, how, *(new(said[reader]) if reader in said else "does not read it" for reader in readers)])
    return table(["format", "broken", *readers], lines)


def unmet(result):
    """Entries that this run did not meet: mended since, or about files that it did not have."""
    met = {id(entry) for entry in entries(result)}
    return [entry for entry in KNOWN if id(entry) not in met and "credlink" not in entry.readers]


def counts(result):
    n = len(result.rows)
    accepted = sum(row.accepted for row in result.rows)
    named = sum(not row.accepted and not row.findings for row in result.rows)
    return (f"{len(result.sources)} sources, {len(result.files)} signed files, {n} readings: {accepted} accepted, {named} with a known "
            f"fault, {n - accepted - named} with a finding.")


def unchecked(result):
    return [f"{reader.name}: {reason}" for reader, reason in result.absent]


def summary(result):
    """What a person at the terminal needs."""
    text = [*accepted_table(result), "", counts(result)]
    text += [f"NOT CHECKED: {line}" for line in unchecked(result)]
    text += [f"left out, no format that is signed: {name}" for name in result.left_out]
    text += [f"not signed: {line}{f' ({entry.why})' if entry else ''}" for line, entry in unsigned(result)]
    text += [f"known, not met: {', '.join(entry.readers)}: {entry.pattern}" for entry in unmet(result)]
    wrong = faults(result)
    return "\n".join(text + [f"FINDING: {line}" for line in wrong] + [f"{len(wrong)} findings"])


def document(result):
    wrong, marks = faults(result), {}
    for name, kind, words in result.refused:
        if words.startswith("no watermark") and kind == "marked":
            marks.setdefault(words, []).append(name)
    source = "made from a seed" if not result.options.files else "a directory of files"
    text = [
        "# Readers", "",
        "What other programs say of files that we sign. Generated by `fidelity/readers/run`; how it works and what it takes is in",
        "[fidelity/readers/](../fidelity/readers/README.md).", "",
        counts(result), "",
        "A reading is accepted if the reader says nothing of the signed file that it does not say of the source. A reader of",
        "manifests must find a valid one, of a signer whom it trusts, whose every assertion holds. Numbers in brackets lead to",
        "the known faults below. An empty cell means that no such file was made or that no recipe takes the format.", "",
        *accepted_table(result), "",
        "Re-signed by: " + ", ".join(f"`{service}`" for service in SERVICES) + ".",
        "Twice: signed, and what came out signed once more.", "",
        "## Findings", "",
        *([f"- {line}" for line in wrong] or ["None that is not named below."]), "",
        "## Known faults", "",
        *known_table(result, True), "",
        "## Said, and nothing is wrong", "",
        *known_table(result, False), "",
        "## Not checked", "",
        *([f"- {line}" for line in unchecked(result)] or ["Nothing is left out."]), "",
        "## Not signed", "",
        *([f"- {line}{f' Known: {entry.why}.' if entry else ''}" for line, entry in unsigned(result)] or ["Nothing."]), "",
        "## Files that carry no mark", "",
        "They are not counted as marked.", "",
        *([f"- {words}: {', '.join(names)}" for words, names in marks.items()] or ["None."]), "",
        "## Does it fail when it must", "",
        "One signed file of each format, broken on purpose; what each reader of manifests says of it beyond what it says of the",
        "unbroken one. A reader that says nothing fails the check.", "",
        *broken_table(result), "",
        "## Versions", "",
        f"- {result.program}, sources {source}" + (f" ({result.options.seed})" if not result.options.files else ""),
        *[f"- {name} {version}" for name, version in result.versions],
        f"- Python {platform.python_version()}", "",
    ]
    return "\n".join(text)

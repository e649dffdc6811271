"""docs/FIDELITY.md from the rows of a comparison, and which aims are missed without a reason."""

import math
import statistics

from parity import CARRIERS, mcnemar, newcombe

# The aims of the comparison.
LEAST_PSNR = 40.0
MOST_TIMES = 2.0
MOST_POINTS = 1.0


def figure(value, digits):
    return "inf" if math.isinf(value) else f"{value:.{digits}f}"


def photos(count):
    return f"{count} photo" + "s" * (count != 1)


def table(header, lines):
    return ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"] + [
        "| " + " | ".join(str(cell) for cell in line) + " |" for line in lines
    ]


def likeness(case, rows):
    """One line of the table of likeness: first what all pairs have, then how alike the pixels are."""
    share = lambda name: f"{sum(row[name] for row in rows)}/{len(rows)}"
    cells = [f"`{case.recipe}`", len(rows), *(share(name) for name in ("format", "size", "tables", "sampling", "metadata", "bytes"))]
    quality = [row["psnr"] for row in rows if row["psnr"] is not None]
    alike = [row["ssim"] for row in rows if row["ssim"] is not None]
    if not quality:
        return cells + ["", "", "", "", ""]
    low = sum(value < LEAST_PSNR for value in quality)
    return cells + [figure(statistics.median(quality), 1), figure(min(quality), 1), low,
                    figure(statistics.median(alike), 4), figure(min(alike), 4)]


def counts(rows, carrier):
    """Pairs in which both, only the real side, only ours, and all."""
    pairs = [(row["real"][carrier][1], row["ours"][carrier][1]) for row in rows]
    return (sum(a and b for a, b in pairs), sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs), len(pairs))


def parity_line(name, rows, carrier):
    both, lost, won, n = counts(rows, carrier)
    change, low, high = newcombe(both, lost, won, n)
    same = sum(row["real"][carrier][0] == row["ours"][carrier][0] for row in rows)
    points = lambda share: f"{100 * share:+.2f}"
    return [name, n, f"{100 * (both + lost) / n:.1f} %", f"{100 * (both + won) / n:.1f} %", points(change),
            f"{points(low)} to {points(high)}", lost, won, f"{mcnemar(lost, won):.3g}", f"{same}/{n}"]


def summary(cases, rows, described):
    """The aims, and how far they are met, in a few lines."""
    if not rows:
        return [f"Photos: {described}. Nothing was compared."]
    measured = [case for case in cases if any(row["recipe"] == case.recipe for row in rows)]
    alike = lambda name: f"{sum(row[name] for row in rows)} of {len(rows)}"
    compared = [row for row in rows if row["psnr"] is not None]
    fine = sum(row["psnr"] >= LEAST_PSNR for row in compared)
    low = {row["recipe"] for row in compared if row["psnr"] < LEAST_PSNR}
    points = {carrier: newcombe(*counts(rows, carrier)) for carrier in CARRIERS}
    worst = max(points, key=lambda carrier: abs(points[carrier][0]))
    change, *interval = (100 * value for value in points[worst])
    ratios = {case.recipe: ratio([row for row in rows if row["recipe"] == case.recipe]) for case in measured}
    slowest = max(ratios, key=ratios.get)
    return [
        f"{len(measured)} cases, {len(rows)} pairs of results; signed pictures: {described} (the GIFs are the PNGs once more, by Pillow).", "",
    ] + table(["aim", "found"], [
        ["the same kinds of metadata", alike("metadata")],
        ["the same dimensions", alike("size")],
        [f"at least {LEAST_PSNR:g} dB between the results", f"{fine} of {len(compared)}; the others in {len(low)} cases, reasons below"],
        [f"survival within {MOST_POINTS:g} percentage point",
         f"{worst} differs most: {change:+.2f}, 95 % {interval[0]:+.2f} to {interval[1]:+.2f}"],
        [f"at most {MOST_TIMES:g} times the CPU time", f"{ratios[slowest]:.2f} at most (`{slowest}`)"],
    ])


def ratio(rows):
    """Our CPU time over that of the real program, of the sums."""
    real, ours = sum(row["real_ms"] for row in rows), sum(row["ours_ms"] for row in rows)
    return ours / real if real else float("inf")


def survival(cases, rows):
    header = ["carrier", "pairs", "real", "ours", "points", "95 %", "only real", "only ours", "p", "same state"]
    text = ["## Survival", "",
            "Every photo is signed once, with all carriers, and both results are verified against one proof store. A carrier",
            "survives if it alone leads to the issued proof and is accepted. Points are the difference ours − real with",
            "Newcombe's interval for paired shares, p is McNemar's exact one; pairs of one photo hang together, so both are a",
            "little too sure. The state is the whole finding: absent, invalid, intact, recovered and so on.", ""]
    text += table(header, [parity_line(carrier, rows, carrier) for carrier in CARRIERS])
    text += ["", "Pairs in which one side alone survived, by recipe:", ""]
    found = []
    for case in cases:
        mine = [row for row in rows if row["recipe"] == case.recipe]
        for carrier in CARRIERS:
            _, lost, won, n = counts(mine, carrier) if mine else (0, 0, 0, 0)
            if lost or won:
                names = [row["photo"] for row in mine if row["real"][carrier][1] != row["ours"][carrier][1]]
                reason = case.differs.get(carrier, "")
                found.append(f"- `{case.recipe}`, {carrier}: {lost} only real, {won} only ours of {n} "
                             f"({', '.join(names)}){': ' + reason if reason else ''}.")
    return text + (found or ["None."]) + [""]


def cost(cases, rows):
    text = ["## Cost", "",
            "CPU time of the same work on the same photos in the same run, one thread each; programs with their start, which is",
            "a few milliseconds (interpreters and servers without it; the time of a server is that of its own process). Ours is",
            "without its start. The ratio is of the sums.", ""]
    lines, faults = [], []
    for case in cases:
        mine = [row for row in rows if row["recipe"] == case.recipe]
        if not mine:
            continue
        mean = lambda side: f"{statistics.fmean(row[side] for row in mine):.1f}"
        times = ratio(mine)
        lines.append([f"`{case.recipe}`", mean("real_ms"), mean("ours_ms"), f"{times:.2f}"])
        if times > MOST_TIMES and not case.slow:
            faults.append(f"{case.recipe}: {times:.2f} times the CPU time of the real program, without a reason")
    text += table(["recipe", "real, ms a photo", "ours, ms a photo", "ratio"], lines)
    slow = [f"- `{case.recipe}`: {case.slow}." for case in cases if case.slow]
    return text + ["", f"Over {MOST_TIMES:g} times, and why:", "", *(slow or ["None."]), ""], faults


def document(cases, rows, failures, described, versions):
    """The text, and the aims that are missed where no reason stands beside the case."""
    faults = []
    text = [
        "# Fidelity", "",
        "What becomes of a signed photo in our simulation, and in the real program or image server that it stands for. Generated",
        "by `fidelity/run PHOTOS`; [fidelity/](../fidelity/README.md) holds every command line.", "",
        *summary(cases, rows, described), "",
        "## Likeness", "",
        "Each share is over the photos that the case takes: same format, dimensions, quantisation tables, chroma sampling, kinds of",
        "metadata (EXIF, XMP, IPTC, profile, manifest), and the same file byte for byte. PSNR and SSIM are between the two results,",
        f"the median and the lowest, and how many lie below {LEAST_PSNR:g} dB; inf means equal pixels.", "",
    ]
    header = ["recipe", "photos", "format", "size", "tables", "sampling", "metadata", "bytes", "PSNR, dB", "lowest", "below", "SSIM", "lowest"]
    lines, below, notes = [], [], []
    for case in cases:
        mine = [row for row in rows if row["recipe"] == case.recipe]
        if not mine:
            lines.append([f"`{case.recipe}`", 0] + [""] * 11)
            continue
        lines.append(likeness(case, mine))
        low = [row for row in mine if row["psnr"] is not None and row["psnr"] < LEAST_PSNR]
        if low:
            names = ", ".join(f"{row['photo']} {row['psnr']:.1f}" for row in sorted(low, key=lambda row: row["psnr"])[:5])
            below.append(f"- `{case.recipe}`: {case.below or 'NO REASON KNOWN'} ({photos(len(low))}, lowest {names}).")
            if not case.below:
                faults.append(f"{case.recipe}: below {LEAST_PSNR:g} dB without a reason")
        for name in ("format", "size", "metadata"):
            odd = [row["photo"] for row in mine if not row[name]]
            if odd:
                notes.append(f"- `{case.recipe}`: another {name} on {', '.join(odd[:5])}: {case.odd or 'NO REASON KNOWN'}.")
                if not case.odd:
                    faults.append(f"{case.recipe}: another {name} without a reason")
        if case.note:
            notes.append(f"- `{case.recipe}`: {case.note}.")
        for words in sorted({row["difference"] for row in mine if "difference" in row}):
            times = sum(row.get("difference") == words for row in mine)
            notes.append(f"- `{case.recipe}`: metadata of the real program {words} ({photos(times)}).")
    text += table(header, lines)
    text += ["", f"## Below {LEAST_PSNR:g} dB, and why", "", *(below or ["None."])]
    text += ["", "## Where they differ otherwise", "", *(notes or ["Nowhere."]), ""]
    if rows:
        text += survival(cases, rows)
        spent, slow = cost(cases, rows)
        text += spent
        faults += slow
        for carrier in CARRIERS:
            both, lost, won, n = counts(rows, carrier)
            if abs(100 * newcombe(both, lost, won, n)[0]) > MOST_POINTS:
                faults.append(f"{carrier}: survival differs by more than {MOST_POINTS:g} point")
    text += ["## What could not be compared", "", *([f"- {line}" for line in failures] or ["Nothing."])]
    text += ["", "## Versions", "", *[f"- {line}" for line in versions], ""]
    return "\n".join(text), faults

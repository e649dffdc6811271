#!/usr/bin/env python3
"""Recomputes the figures of a run's report from its rows, by other means, and compares them.

usage: python3 docs/check_statistics.py RUN

RUN is the directory of a run. Every figure is computed from rows.parquet and run.json alone, by the methods that
METHODOLOGY.md describes; only then is report.json read and compared, field by field. The script shares no code with
the program. It needs Python 3.9 or later with polars and scipy, and no network.

It prints one line for each group of figures and exits with 0 if all are equal, with 1 after naming each that differs,
and with 2 if the run cannot be read. A table or column that it does not know is named as not checked.

When is a figure equal?

- Counts, names and times in nanoseconds: exactly. Rates, means and shares: to one part in 10^9.
- Ends of intervals and bounds: to 10^-7 of the share. The chance that an end stands for (2.5 % for each end of an interval,
  5 % for a one-sided bound) is computed by integrating the moment generating function along a line in the complex plane,
  and the end is where it has that value.
- Percentiles of what signing does: to half a unit of the last decimal that the report keeps (0.0005 dB, 0.0000005 of
  SSIM, 0.0005 %), since it rounds them; bytes and times exactly.
- Intervals of 50 % and 95 % points along a swept parameter are percentiles of 2,000 resamples, whose random numbers are
  not reproduced. Own resamples are drawn, and the printed end must lie between their 1.0 % and 4.5 % points (96 % and 99.5 %
  points for the upper end): about four standard errors of a 2.5 % point of 2,000 draws. The points themselves are exact.
"""

import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import brentq, isotonic_regression
from scipy.special import betainc

CLOSE = 1e-9  # of counts, rates and means, relative
AT_ENDS = 1e-7  # of the ends of intervals, absolute; the program's integral is good to 1e-9 of the chance
UNSEEN_IN_INTERVALS, UNSEEN_IN_BOUNDS = 0.75, 1.0
OUTCOMES = ["intact", "resigned", "recovered", "unconfirmed", "broken", "lost", "misattributed", "error"]
BESIDE = ["exif", "location", "xmp", "iptc", "icc", "png-text", "caption", "credit", "copyright", "alt-text"]
SURVIVED = ["intact", "resigned", "recovered"]
NEGATIVES = {
    "unsigned": "unsigned images",
    "foreign-key": "images signed under another key",
    "transplant": "other images with a proof of ours pasted on",
    "watermark-copy": "other images with a copied watermark",
    "watermark-average": "other images with the average of many watermarks",
    "look-alike": "manifests forged under a look-alike certificate",
    "replay": "other images with a whole old proof: manifest, link and watermark",
    "edited-claim": "manifests with edited claims",
    "collision": "other images made to have the fingerprint of a signed one",
    "resigned-transplant": "other images with the fingerprint and link of a signed one, signed by a stranger as made from it",
    "near-duplicate": "unsigned neighbouring views of signed scenes",
}
SIZES = [(0.25, "below 0.25 MP"), (1, "0.25 to 1 MP"), (2, "1 to 2 MP"), (4, "2 to 4 MP"), (math.inf, "4 MP and more")]
CLAIMS = [(0.9999, "≥ 99.99 %"), (0.999, "≥ 99.9 %"), (0.995, "≥ 99.5 %"), (0.99, "≥ 99 %"), (0.95, "≥ 95 %"),
          (0.9, "≥ 90 %"), (0.5, "≥ 50 %")]
PERCENTILES = [("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990), ("p99_9", 999)]
LEVELS = {"sign": 500_000_000, "verify, signed images": 200_000_000, "verify, negative trials": 200_000_000,
          "retrieve proof": 100_000_000}
# What carriers are where run.json does not describe them.
FACTS = {
    "manifest": {"place": "metadata"},
    "link": {"place": "metadata"},
    "fingerprint": {"place": "store", "decision": {
        "unit": "bits", "rising": False, "in_use": 31,
        "candidates": [8, 16, 24, 31, 36, 42, 48, 56, 64, 72, 80, 88]}},
    "watermark": {"place": "pixels", "decision": {
        "unit": "‰ of its gate", "rising": True, "in_use": 1000,
        "candidates": [2000, 1500, 1250, 1100, 1000, 900, 800, 700, 600, 500]}},
}
# Columns that hold prose and no figure.
PROSE = {"meaning", "weights", "why"}


# --- Bounds of a ratio over sources -------------------------------------------------------------------------------------


def log_mgf(values, shapes, s, order):
    """The first `order` + 1 derivatives (from the 0th) of the logarithm of E exp(s · sum of value · Gamma(shape))."""
    ratio = values / (1 - values * s)
    found = [-np.sum(shapes * np.log1p(-values * s))]
    for k in range(1, order + 1):
        found.append(math.factorial(k - 1) * np.sum(shapes * ratio**k))
    return found


def saddle_point(values, shapes):
    """Where the first derivative is 0, between the poles."""
    low, high = 1 / values.min(), 1 / values.max()
    s = 0.0
    for _ in range(300):
        _, slope, curvature = log_mgf(values, shapes, s, 2)
        if slope < 0:
            low = s
        else:
            high = s
        step = s - slope / curvature
        new = step if low < step < high else (low + high) / 2
        if abs(new - s) <= 1e-15 * abs(s) + 1e-300:
            return new
        s = new
    return s


def of_two_values(values, shapes):
    """The chance where there are but two values: a share of two gamma variates is a beta variate. Else None."""
    low, high = values.min(), values.max()
    near = 1e-12 * max(-low, high)
    up, down = np.abs(values - high) <= near, np.abs(values - low) <= near
    if not np.all(up | down):
        return None
    return float(betainc(shapes[up].sum(), shapes[down].sum(), -low / (high - low)))


def chance(values, shapes):
    """P(sum of value · Gamma(shape) <= 0): the inversion integral on the vertical line through the saddle point.

    The substitution y = sinh x makes the trapezoidal rule converge exponentially.
    """
    if values.max() <= 0:
        return 1.0
    if values.min() >= 0:
        return 0.0
    known = of_two_values(values, shapes)
    if known is not None:
        return known
    s = saddle_point(values, shapes)
    scale = 1 / math.sqrt(log_mgf(values, shapes, s, 2)[2])
    if abs(s) < 0.5 * scale:
        # Away from the pole at 0, but not beyond half of the way to the next one.
        s = math.copysign(min(0.5 * scale, 0.5 / (values.max() if s > 0 else -values.min())), s)
    end = 44 / (1 + min(shapes.sum(), 10)) + 4
    last, step = math.inf, 1 / 8
    while True:
        x = np.arange(0, end, step)
        points = s + 1j * scale * np.sinh(x)
        k = -(np.log(1 - np.outer(points, values)) @ shapes)
        integrand = (np.exp(k) / points).real * scale * np.cosh(x)
        integral = step * (integrand.sum() - integrand[0] / 2) / math.pi
        if abs(integral - last) <= 1e-11 or step < 1e-3:
            return float(1 - integral if s > 0 else -integral)
        last, step = integral, step / 2


class Sources:
    """What sources hold: the size of each, what it keeps, and how many are alike."""

    def __init__(self, size, kept, copies=None):
        self.size, self.kept = np.asarray(size, float), np.asarray(kept, float)
        self.copies = np.ones(len(self.size)) if copies is None else np.asarray(copies, float)

    def key(self):
        return self.size.tobytes(), self.kept.tobytes(), self.copies.tobytes()

    def lost(self):
        return Sources(self.size, self.size - self.kept, self.copies)

    def rate(self):
        return min(float(self.copies @ self.kept / (self.copies @ self.size)), 1.0)

    def terms(self, t, unseen):
        """The weighed terms of the ratio at the share t, the unseen source last."""
        typical = self.copies @ self.size**2 / (self.copies @ self.size)
        return np.append(self.kept - t * self.size, -t * typical), np.append(self.copies, unseen)


_KNOWN = {}


def lower(sources, unseen, error):
    """The lower bound of the ratio."""
    key = (sources.key(), unseen, error)
    if key not in _KNOWN:
        _KNOWN[key] = _lower(sources, unseen, error)
    return _KNOWN[key]


def _lower(sources, unseen, error):
    rate = sources.rate()
    if rate <= 0:
        return 0.0
    excess = lambda t: chance(*sources.terms(t, unseen)) - error
    if excess(rate) <= 0:
        return rate
    # Brackets from above, so that the search does not start where the chance underflows.
    low = rate
    while excess(low) > 0:
        low /= 2
    return float(brentq(excess, low, min(2 * low, rate), xtol=1e-16, rtol=1e-14, maxiter=500))


class End(float):
    """One end of an interval."""

    def __new__(cls, sources, unseen, error, is_upper=False, scale=1.0, keep=None):
        found = lower(sources.lost() if is_upper else sources, unseen, error)
        value = 1 - found if is_upper else found
        if keep is not None:
            value = max(value, keep) if is_upper else min(value, keep)
        self = super().__new__(cls, scale * value)
        self.scale = scale
        return self


def interval(sources, scale=1.0, keep=None):
    end = lambda is_upper: End(sources, UNSEEN_IN_INTERVALS, 0.025, is_upper, scale, keep)
    return end(False), end(True)


# --- Rows -------------------------------------------------------------------------------------------------------------


def by_source(ops, hit, among=None):
    """Trials and successes by source; `among` names the trials, all ops without it."""
    trials = pl.lit(1) if among is None else among
    counts = ops.select("source", trials.cast(pl.Int64).alias("n"), hit.cast(pl.Int64).fill_null(0).alias("k"))
    counts = counts.group_by("source").agg(pl.col("n").sum(), pl.col("k").sum()).filter(pl.col("n") > 0)
    kinds = counts.group_by("n", "k").len().sort("n", "k")
    return Sources(kinds["n"].to_numpy(), kinds["k"].to_numpy(), kinds["len"].to_numpy())


def rate_of(sources):
    n, k = int(sources.copies @ sources.size), int(sources.copies @ sources.kept)
    if n == 0:
        return None
    low, high = interval(sources)
    return {"k": k, "n": n, "rate": k / n, "low": low, "high": high, "provisional": n < 100}


def rate(ops, hit, among=None):
    return rate_of(by_source(ops, hit, among))


def bound(ops, hit):
    sources = by_source(ops, hit)
    n, k = int(sources.copies @ sources.size), int(sources.copies @ sources.kept)
    if n == 0:
        return None
    return {"k": k, "n": n, "rate": k / n, "upper": End(sources, UNSEEN_IN_BOUNDS, 0.05, is_upper=True)}


def plural(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def nearest_rank(values, permille):
    """The value of rank ceil(p · n) of ascending values."""
    return values[max(-(-len(values) * permille // 1000), 1) - 1]


class Run:
    """The rows of a run and its header."""

    def __init__(self, directory):
        self.header = json.loads((directory / "run.json").read_text(encoding="utf-8"))
        self.digest = hashlib.sha256((directory / "rows.parquet").read_bytes()).hexdigest()
        self.rows = pl.read_parquet(directory / "rows.parquet").with_columns(
            pl.col("outcome").is_in(SURVIVED).alias("kept"))
        self.pipelines = self.header["pipelines"]
        self.ids = [pipeline["id"] for pipeline in self.pipelines]
        self.carriers = self.header["carriers"]
        described = {facts["name"]: facts for facts in self.header.get("carrier_facts", [])}
        self.facts = {name: described.get(name) or FACTS.get(name, {"place": "metadata"}) for name in self.carriers}
        self.signed = self.rows.filter(pl.col("trial") == "signed")
        controls = [p["id"] for p in self.pipelines if p["family"] == "controls"]
        self.pooled_ids = [id for id in self.ids if id not in controls]
        self.pooled = self.signed.filter(~pl.col("pipeline").is_in(controls))
        self.by_pipeline = {id: self.signed.filter(pl.col("pipeline") == id) for id in self.ids}

    def accepted(self, carrier):
        return pl.col(f"{carrier}_accepted").fill_null(False)

    def measures(self):
        """Any carrier, then each alone: the key in tables, the name in words, the hits."""
        yield "any", "any carrier", pl.col("kept")
        for carrier in self.carriers:
            yield f"by_{carrier}", carrier, self.accepted(carrier)

    def alone(self, carriers):
        """Ops in which one of these carriers accepted, and none of the others."""
        inside = pl.any_horizontal([self.accepted(c) for c in carriers])
        outside = [self.accepted(c) for c in self.carriers if c not in carriers]
        return inside & ~pl.any_horizontal(outside) if outside else inside

    def decisions(self):
        return [(name, self.facts[name]["decision"]) for name in self.carriers if self.facts[name].get("decision")]

    def wrong(self, carrier, decision):
        """What decides towards a wrong proof; a strength of nothing is 0 where the carrier was examined."""
        value = pl.col(f"{carrier}_wrong").cast(pl.Int64)
        if not decision["rising"]:
            return value
        return pl.when(pl.col(f"{carrier}_state").is_not_null()).then(value.fill_null(0)).otherwise(value)


# --- Tables -------------------------------------------------------------------------------------------------------------


def answer(run):
    states = [pl.col(f"{c}_state") for c in run.carriers]
    valid = pl.any_horizontal([s.is_in(["intact", "resigned", "foreign"]).fill_null(False) for s in states])
    invalid = ~valid & pl.any_horizontal([(s == "invalid").fill_null(False) for s in states])
    looked = pl.any_horizontal([s.is_not_null() for s in states])
    in_file = pl.col("outcome").is_in(["intact", "resigned"])
    changed = ~pl.col("same_bytes")
    lines = [
        ("still in the file", in_file, None),
        ("still in the file, where the pipeline changed it", in_file & changed, changed),
        ("found again through our store", pl.col("outcome") == "recovered", None),
        ("not found", ~pl.col("kept"), None),
        ("other readers: none", looked & ~valid & ~invalid, None),
        ("other readers: invalid", invalid, None),
        ("other readers: valid", valid, None),
    ]
    rows = []
    for figure, hit, among in lines:
        found = rate(run.pooled, hit, among)
        rows.append({"figure": figure, "n": found["n"] if found else 0, "rate": found})
    by = {c: run.pooled.filter((pl.col("outcome") == "recovered") & (pl.col("recovered_by") == c)).height for c in run.carriers}
    finders = sorted((c for c in run.carriers if by[c]), key=lambda c: -by[c])
    sources = run.pooled["source"].n_unique()
    return rows, [
        f"{plural(run.pooled.height, 'op')} from {plural(sources, 'source file')}.",
        f"first by: {', '.join(f'{c} {by[c]:,}' for c in finders) or 'none'}.",
    ]


def tally(run, ops):
    """The columns that survival by pipeline and by family share."""
    row = {"n": ops.height, "images": ops["image"].n_unique(), "sources": ops["source"].n_unique()}
    row["survived"] = int(ops["kept"].sum()) if ops.height else None
    row.update({key: rate(ops, hit) for key, _, hit in run.measures()})
    row["outcome"] = {o: ops.filter(pl.col("outcome") == o).height for o in OUTCOMES} if ops.height else None
    return row


def survival(run):
    heads = [{"pipeline": p["id"], "family": p["family"], "grade": p["grade"]} for p in run.pipelines]
    return [head | tally(run, run.by_pipeline[head["pipeline"]]) for head in heads], []


def families(run):
    rows = []
    for family in dict.fromkeys(p["family"] for p in run.pipelines):
        members = [p["id"] for p in run.pipelines if p["family"] == family]
        rows.append({"family": family} | tally(run, run.signed.filter(pl.col("pipeline").is_in(members))))
    return rows + [{"family": "all families"} | tally(run, run.pooled)], []


def average(run, hit):
    """The mean of the pipelines' rates, as a ratio over what each source contributes to it."""
    counted = run.pooled.select("source", "pipeline", hit.cast(pl.Int64).alias("k"))
    counted = counted.with_columns(
        (1 / pl.len().over("pipeline")).alias("weight"), pl.col("k").mean().over("pipeline").alias("mean"))
    if counted.height == 0:
        return None
    pipelines = counted["pipeline"].n_unique()
    mean = float(counted.group_by("pipeline").agg(pl.col("k").mean())["k"].mean())
    each = counted.group_by("source").agg(
        (pl.col("weight").sum() / pipelines).alias("size"),
        (((pl.col("k") - pl.col("mean")) * pl.col("weight")).sum() / pipelines).alias("beside")).sort("source")
    size = each["size"].to_numpy()
    low, high = interval(Sources(size, each["beside"].to_numpy() + mean * size), scale=100, keep=mean)
    return {"value": 100 * mean, "low": low, "high": high}


def percent(sources):
    if not len(sources.size):
        return None
    low, high = interval(sources, scale=100)
    return {"value": 100 * sources.rate(), "low": low, "high": high}


def overall(run):
    pooled, averaged, worst = [{"figure": f} for f in ("pooled", "average over pipelines", "worst pipeline")]
    names = []
    for key, words, hit in run.measures():
        pooled[key], averaged[key] = percent(by_source(run.pooled, hit)), average(run, hit)
        rates = [(by_source(run.by_pipeline[id], hit), id) for id in run.pooled_ids if run.by_pipeline[id].height]
        worst[key] = None
        if rates:
            lowest = min(rates, key=lambda found: found[0].rate())
            worst[key] = percent(lowest[0])
            names.append(f"{words} {lowest[1]}")
    return [pooled, averaged, worst], [f"Worst pipelines: {', '.join(names)}." if names else "No pipeline was measured."]


def claims(run):
    rows = []
    for name, ops in list(run.by_pipeline.items()) + [("all pipelines", run.pooled)]:
        row = {"pipeline": name, "n": ops.height, "sources": ops["source"].n_unique(), "any": rate(ops, pl.col("kept"))}
        row["low"] = row["claim"] = None
        if ops.height:
            row["low"] = End(by_source(ops, pl.col("kept")), UNSEEN_IN_BOUNDS, 0.05, scale=100)
            row["claim"] = next((words for floor, words in CLAIMS if row["low"] / 100 >= floor), "none")
        rows.append(row)
    needed = [f"{math.ceil(math.log(0.05) / math.log(floor)):,}" for floor in (0.99, 0.999, 0.9999)]
    return rows, ["≥ 99 % needs {} independent sources, ≥ 99.9 % {}, ≥ 99.99 % {}.".format(*needed)]


def carriers(run):
    rows = []
    for carrier in run.carriers:
        first = run.pooled.filter((pl.col("outcome").is_in(SURVIVED)) & (pl.col("recovered_by") == carrier))
        rows.append({
            "carrier": carrier, "n": run.pooled.height, "images": run.pooled["image"].n_unique(),
            "sources": run.pooled["source"].n_unique(), "alone": rate(run.pooled, run.accepted(carrier)),
            "unique": rate(run.pooled, pl.col("kept") & run.alone([carrier])),
            "recovered": first.height if run.pooled.height else None})
    return rows, []


def sets_of(names):
    """Every set of up to five carriers, small ones first; of more only single ones, all but one, and all."""
    every = range(1, 2 ** len(names))
    if len(names) > 5:
        every = [s for s in every if bin(s).count("1") in (1, len(names) - 1, len(names))]
    for bits in sorted(every, key=lambda s: (bin(s).count("1"), s)):
        yield [name for place, name in enumerate(names) if bits >> place & 1]


def mean(values):
    values = values.drop_nulls().drop_nans()
    return float(values.cast(pl.Float64).mean()) if len(values) else None


def layers(run):
    taken = {c: mean(run.pooled[f"{c}_bytes"]) for c in run.carriers}
    spent = {c: mean(run.pooled.filter(pl.col(f"{c}_sign_ns") > 0)[f"{c}_sign_ns"]) for c in run.carriers}
    looked = {c: mean(run.pooled.filter(pl.col(f"{c}_ns") > 0)[f"{c}_ns"]) for c in run.carriers}
    psnr = run.pooled["mark_psnr"].cast(pl.Float64)
    psnr = mean(psnr.filter(psnr.is_finite()))
    sized = run.pooled.filter(pl.col("source_bytes") > 0)
    growth = mean(sized["signed_bytes"].cast(pl.Int64) - sized["source_bytes"].cast(pl.Int64))
    in_store = [c for c in run.carriers if run.facts[c]["place"] == "store"]
    unknown = [c for c in run.carriers if taken[c] is None]
    marks = unknown[0] if len(unknown) == 1 and psnr is not None else None
    in_file = {c: 0.0 if c in in_store and taken[c] is not None else taken[c] for c in run.carriers}
    if marks and growth is not None:
        in_file[marks] = growth - sum(taken[c] for c in run.carriers if c not in in_store and taken[c] is not None)
    of_store = {c: taken[c] if c in in_store else (None if in_file[c] is None else 0.0) for c in run.carriers}
    if any(value is not None for value in spent.values()):
        spent = {c: value or 0.0 for c, value in spent.items()}
    rows = []
    for names in sets_of(run.carriers):
        accepted = pl.any_horizontal([run.accepted(c) for c in names])
        kept = rate(run.pooled, pl.col("kept") & accepted)
        unique = rate(run.pooled, pl.col("kept") & run.alone(names))
        total = lambda of: None if any(of[c] is None for c in names) else sum(of[c] for c in names)
        nanos = lambda of: None if total(of) is None else total(of) / 1e6
        file, store = total(in_file), total(of_store)
        both = None if file is None or store is None else file + store
        per = lambda cost, of: None if cost is None or not of or not of["k"] else cost * of["n"] / of["k"]
        row = {
            "carriers": " + ".join(names), "n": run.pooled.height, "kept": kept, "unique": unique,
            "file_bytes": file, "store_bytes": store, "psnr": psnr if marks in names else None,
            "sign_millis": nanos(spent), "millis": nanos(looked),
            "bytes_per_kept": per(both, kept), "millis_per_kept": per(nanos(looked), kept),
            "bytes_per_save": per(both, unique), "millis_per_save": per(nanos(looked), unique)}
        if not run.pooled.height:
            row.update(dict.fromkeys(("file_bytes", "store_bytes", "psnr", "sign_millis", "millis")))
        rows.append(row)
    return rows, []


def embedded(run):
    rows = []
    for carrier in run.carriers:
        taken, found = pl.col(f"{carrier}_embedded"), run.accepted(carrier)

        def line(name, ops):
            images = ops.unique("image", keep="first")
            words = ["carried", "fragile", "refused"]
            row = {"carrier": carrier, "pipeline": name, "all": rate(ops, found)}
            row["images"] = {w: images.filter(taken == w).height for w in words} if ops.height else None
            for word in words[:2]:
                row[word] = rate(ops.filter(taken == word), found)
            return row

        rows.append(line("all pipelines", run.pooled))
        if run.pooled.filter(taken.is_in(["fragile", "refused"])).height:
            rows += [line(id, run.by_pipeline[id]) for id in run.ids]
    return rows, []


class Rounded(float):
    """A figure that the report rounds: equal to within half a unit."""

    def __new__(cls, value, unit):
        self = super().__new__(cls, value)
        self.unit = unit
        return self


def signing(run):
    images = run.signed.sort("op").unique("image", keep="first", maintain_order=True).sort("image")
    real = lambda column: images[column].cast(pl.Float64).drop_nulls().to_numpy()
    finite = lambda column: real(column)[np.isfinite(real(column))]
    sized = images.filter(pl.col("source_bytes") > 0)
    source = sized["source_bytes"].cast(pl.Int64).to_numpy()
    growth = sized["signed_bytes"].cast(pl.Int64).to_numpy() - source
    lines = [
        ("watermark alone, before coding, PSNR", "dB", finite("mark_psnr"), 1e-3),
        ("watermark alone, before coding, SSIM", "0–1", finite("mark_ssim"), 1e-6),
        ("pixels of marked images, PSNR", "dB", finite("sign_psnr"), 1e-3),
        ("pixels of marked images, SSIM", "0–1", finite("sign_ssim"), 1e-6),
        ("growth of the file", "bytes", growth, 0),
        ("growth of the file", "% of the source", growth / source * 100, 1e-3),
        ("time", "ms", images.filter(pl.col("sign_ns") > 0)["sign_ns"].to_numpy() / 1e6, 0),
    ]
    rows = []
    for figure, unit, values, step in lines:
        values, n = np.sort(values), len(values)
        row = {"figure": figure, "unit": unit, "n": n}
        for percentile in (5, 25, 50, 75, 95):
            enough = n >= 200 if percentile in (5, 95) else n > 0
            row[f"p{percentile}"] = Rounded(nearest_rank(values, percentile * 10), step) if enough else None
        rows.append(row)
    return rows, [f"Over the {images.height:,} distinct signed images of the run"]


def metadata(run):
    lists = {column: pl.col(column).fill_null("").str.split(", ") for column in ("holds", "still_holds")}
    rows = []
    for pipeline, ops in [*run.by_pipeline.items(), ("all (pooled)", run.pooled)]:
        for what in BESIDE:
            held = ops.filter(lists["holds"].list.contains(what))
            if not held.height and pipeline != "all (pooled)":
                continue
            row = {"pipeline": pipeline, "what": what, "n": held.height, "sources": held["source"].n_unique()}
            row["still"] = rate(held, lists["still_holds"].list.contains(what))
            rows.append(row)
    return rows, []


def strata(run):
    pixels = pl.col("width").cast(pl.Float64) * pl.col("height").cast(pl.Float64) / 1e6
    groups = [("class", name, pl.col("class") == name) for name in sorted(run.pooled["class"].unique())]
    groups += [("format", name, pl.col("image_format") == name) for name in sorted(run.pooled["image_format"].unique())]
    least = 0.0
    for most, name in SIZES:
        groups.append(("size", name, (pixels >= least) & (pixels < most)))
        least = most
    groups.append(("all", "all images", pl.lit(True)))
    losses = run.pooled.filter(~pl.col("kept")).height
    rows = []
    for dimension, name, belongs in groups:
        ops = run.pooled.filter(belongs)
        if dimension != "all" and not ops.height:
            continue
        lost = ops.filter(~pl.col("kept")).height
        row = {"dimension": dimension, "stratum": name, "n": ops.height, "sources": ops["source"].n_unique()}
        row["share"] = 100 * ops.height / run.pooled.height if ops.height else None
        row["losses"] = 100 * lost / losses if losses and ops.height else None
        row.update({key: rate(ops, hit) for key, _, hit in run.measures()})
        rows.append(row)
    return rows, []


def first_code(codes):
    return next((code for code in (codes or "").split(",") if not code.startswith("signer:")), "")


def causes(run):
    def lines(carrier, words):
        ops = run.pooled.with_columns(pl.Series("cause", words, dtype=pl.String))
        counts = ops.drop_nulls("cause").group_by("cause").len().rows()
        for cause, _ in sorted(counts, key=lambda found: (-found[1], found[0])):
            here = ops.filter(pl.col("cause") == cause)
            there = [here.filter(pl.col("pipeline") == id).height for id in run.ids]
            most = there.index(max(there))
            yield {"carrier": carrier, "cause": cause, "share": rate(ops, pl.col("cause") == cause),
                   "pipeline": run.ids[most], "there": there[most]}

    rows = []
    for carrier in run.carriers:
        words = []
        cells = (f"{carrier}_{column}" for column in ("accepted", "embedded", "state", "codes"))
        for accepted, taken, state, codes in run.pooled.select(*cells).iter_rows():
            if accepted:
                words.append(None)
            elif taken == "refused":
                words.append("refused by the image when it was signed")
            elif state is None:
                words.append("not examined")
            else:
                words.append(", ".join(filter(None, [state, first_code(codes)])))
        rows += lines(carrier, words)
    rows += lines("(the op)", [cause and f"error, {cause}" for cause in run.pooled["error_cause"]])
    if not rows:
        rows = [{"carrier": "all carriers", "cause": "no failure", "share": None, "pipeline": None, "there": None}]
    return rows, []


def sweeps(run):
    """The points of each swept recipe: its facts, then value and pipeline by ascending value."""
    found = {}
    for pipeline in run.pipelines:
        sweep = pipeline.get("sweep")
        if sweep and math.isfinite(sweep["value"]):
            found.setdefault((sweep["recipe"], sweep["parameter"]), (sweep, []))[1].append((sweep["value"], pipeline["id"]))
    return [(facts, sorted(points, key=lambda point: point[0])) for facts, points in found.values()]


def doses(run):
    rows = []
    for facts, points in sweeps(run):
        for _, words, hit in run.measures():
            for value, id in points:
                rows.append({"recipe": facts["recipe"], "parameter": facts["parameter"], "unit": facts.get("unit", ""),
                             "measure": words, "value": value, "rate": rate(run.by_pipeline[id], hit)})
    nothing = {"recipe": "no recipe of this run", "parameter": "", "unit": "", "measure": "", "value": None, "rate": None}
    return rows or [nothing], []


class Resampled(float):
    """An end of a percentile interval: own resamples say between which values it lies."""

    def __new__(cls, draws, share, first, last, sign):
        at = lambda p: sign * float(np.clip(draws[round(p * (len(draws) - 1))], first, last))
        self = super().__new__(cls, at(share))
        margins = (0.010, 0.045) if share < 0.5 else (0.955, 0.990)
        self.least, self.most = sorted((at(margins[0]), at(margins[1])))
        return self


def first_reached(doses, n, k, share):
    """Where the isotonic fit first reaches a share, in straight lines; minus or plus infinity if before or never."""
    measured = np.flatnonzero(n > 0)
    fit = isotonic_regression(k[measured] / n[measured], weights=n[measured]).x
    # A dose without ops takes the fit of the one before it, the first ones that of the one behind.
    full = fit[np.clip(np.searchsorted(measured, np.arange(len(doses)), side="right") - 1, 0, None)]
    reached = np.flatnonzero(full >= share - 1e-15)
    if not len(reached):
        return math.inf
    at = reached[0]
    if at == 0:
        return -math.inf
    part = (share - full[at - 1]) / (full[at] - full[at - 1])
    return doses[at - 1] + part * (doses[at] - doses[at - 1])


def dose_points(run):
    random = np.random.default_rng(1)
    rows = []
    for facts, points in sweeps(run):
        for _, words, hit in run.measures():
            values = np.array([value for value, _ in points])
            table = {}
            for place, (_, id) in enumerate(points):
                ops = run.by_pipeline[id].select("source", hit.cast(pl.Int64).alias("k"))
                for source, n, k in ops.group_by("source").agg(pl.len(), pl.col("k").sum()).iter_rows():
                    table.setdefault(source, np.zeros((2, len(points))))[:, place] += (n, k)
            counts = np.array(list(table.values())).reshape(-1, 2, len(points))
            row = {"recipe": facts["recipe"], "parameter": facts["parameter"], "unit": facts.get("unit", ""),
                   "measure": words}
            n, k = counts.sum(axis=0)
            rates = np.divide(k, n, out=np.zeros_like(k), where=n > 0)
            middle = n @ values / n.sum() if n.sum() else 0
            falling = bool(n @ ((values - middle) * rates) < 0)
            row["direction"] = "falls with it" if falling else "rises with it"
            sign = -1 if falling else 1
            order = np.argsort(sign * values, kind="stable")
            dose, counts = sign * values[order], counts[:, :, order]
            draws = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=8000)
            sums = np.tensordot(draws, counts, axes=1)
            for share, name in ((0.5, "50"), (0.95, "95")):
                at = first_reached(dose, *counts.sum(axis=0), share)
                row[f"where_{name}"] = ("crossed" if math.isfinite(at) else
                                        "reached at every value" if at < 0 else "reached at no value")
                row[f"at_{name}"] = None
                if math.isfinite(at):
                    again = np.sort([first_reached(dose, *sum, share) for sum in sums])
                    ends = [Resampled(again, p, dose[0], dose[-1], sign) for p in (0.025, 0.975)]
                    low, high = ends if sign > 0 else ends[::-1]
                    row[f"at_{name}"] = {"value": sign * at, "low": low, "high": high}
            rows.append(row)
    nothing = dict.fromkeys(("parameter", "unit", "measure", "direction"), "")
    nothing |= {"recipe": "no recipe of this run"} | dict.fromkeys(("at_50", "where_50", "at_95", "where_95"))
    return rows or [nothing], []


def generations(run):
    """Kaplan and Meier's estimate over re-shares, one curve for each measure."""
    rows = []
    for facts, points in sweeps(run):
        if facts["parameter"] != "hops":
            continue
        last = points[-1][0]
        for _, words, hit in run.measures():
            seen = {}
            for place, (_, id) in enumerate(points):
                for image, source, found in run.by_pipeline[id].select("image", "source", hit.alias("k")).iter_rows():
                    seen.setdefault((image, source), {})[place] = found
            lives = []
            for (_, source), hops in seen.items():
                time, lost = 0.0, False
                for place, (value, _) in enumerate(points):
                    if place not in hops:
                        break
                    time, lost = value, not hops[place]
                    if lost:
                        break
                lives.append((time, lost, source))
            alive, steps = 1.0, []
            for time in sorted({time for time, lost, _ in lives if lost}):
                at_risk = sum(life[0] >= time for life in lives)
                died = sum(life[0] == time and life[1] for life in lives)
                alive *= 1 - died / at_risk
                known = [(source, not (lost and end <= time)) for end, lost, source in lives if end >= time or lost]
                frame = pl.DataFrame(known, schema={"source": pl.String, "k": pl.Boolean}, orient="row")
                low, high = interval(by_source(frame, pl.col("k")), scale=100, keep=alive)
                steps.append((time, at_risk, died, alive, low, high))
            crossed = lambda of: next((f"{step[0]:g}" for step in steps if of(step) <= 0.5), None)
            middle = crossed(lambda step: step[3])
            low, high = crossed(lambda step: step[4] / 100), crossed(lambda step: step[5] / 100)
            median = f"{middle} [{low or '?'}, {high or f'> {last:g}'}]" if middle else f"more than {last:g}"
            head = {"recipe": facts["recipe"], "measure": words, "median": median}
            for time, at_risk, died, share, low, high in steps:
                estimate = {"value": 100 * share, "low": low, "high": high}
                rows.append(head | {"hop": time, "at_risk": at_risk, "lost": died, "survival": estimate})
            final = rate(run.by_pipeline[points[-1][1]], hit)
            if not steps and final:
                low, high = interval(by_source(run.by_pipeline[points[-1][1]], hit), scale=100)
                estimate = {"value": 100.0, "low": low, "high": high}
                rows.append(head | {"hop": last, "at_risk": final["n"], "lost": 0, "survival": estimate})
    nothing = dict.fromkeys(("hop", "at_risk", "lost", "survival", "median"))
    return rows or [{"recipe": "no recipe of this run re-shares", "measure": ""} | nothing], []


def false_accepts(run):
    negative = run.rows.filter(pl.col("trial") != "signed")

    def line(trial, id, trials):
        looked = trials.filter(pl.col("outcome") != "error")
        row = {"trial": trial, "pipeline": id, "n": looked.height, "images": trials["image"].n_unique(),
               "sources": looked["source"].n_unique(), "errors": trials.height - looked.height,
               "any": bound(looked, pl.col("outcome") == "accepted")}
        row.update({f"by_{carrier}": bound(looked, run.accepted(carrier)) for carrier in run.carriers})
        return row

    kinds = {t: negative.filter(pl.col("trial") == t) for t in NEGATIVES}
    kinds = {t: ops for t, ops in kinds.items() if t == "unsigned" or ops.height}
    rows = [line("all kinds", "all pipelines", negative)]
    rows += [line(trial, "all pipelines", ops) for trial, ops in kinds.items()]
    rows += [line(trial, id, ops.filter(pl.col("pipeline") == id)) for trial, ops in kinds.items() for id in run.ids]
    missing = [t for t in NEGATIVES if not (t in kinds and kinds[t].height)]
    return rows, [f"Not part of this run: {', '.join(missing)}."] if missing else []


def reaches(value, threshold, decision):
    return value >= threshold if decision["rising"] else value <= threshold


def nearest(run):
    rows = []
    for carrier, decision in run.decisions():
        lines = []
        for trial in ["signed", *NEGATIVES]:
            ops = run.rows.filter(pl.col("trial") == trial)
            lines.append((trial, "all", ops))
            if trial == "signed":
                lines += [(trial, name, ops.filter(pl.col("class") == name)) for name in sorted(ops["class"].unique())]
        for trial, images, ops in lines:
            ops = ops.with_columns(run.wrong(carrier, decision).alias("wrong")).drop_nulls("wrong")
            n = ops.height
            if not n:
                continue
            near = np.sort(ops["wrong"].to_numpy())
            near = near[::-1] if decision["rising"] else near
            row = {"carrier": carrier, "trial": trial, "class": images, "unit": decision["unit"], "n": n,
                   "sources": ops["source"].n_unique(), "nearest": int(near[0])}
            for key, permille in (("q001", 1), ("q01", 10), ("q05", 50), ("q50", 500)):
                enough = permille == 500 or n * permille >= 10_000
                row[key] = int(nearest_rank(near, permille)) if enough else None
            row["reached"] = bound(ops, reaches(pl.col("wrong"), decision["in_use"], decision))
            rows.append(row)
    if not rows:
        keys = ("n", "sources", "nearest", "q001", "q01", "q05", "q50", "reached")
        rows = [{"carrier": "no carrier decided by a number", "trial": "", "class": "", "unit": ""} | dict.fromkeys(keys)]
    proofs = run.header.get("distractors", 0) + run.signed["image"].n_unique()
    return rows, [f"against every proof in the store ({plural(proofs, 'proof')})."]


def calibrates(source):
    """Whether the top bit of the name's 64-bit FNV-1a hash, mixed as in SplitMix64, is 0."""
    hashed = 0xCBF29CE484222325
    for byte in source.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    hashed = (hashed ^ hashed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    hashed = (hashed ^ hashed >> 27) * 0x94D049BB133111EB % 2**64
    return (hashed ^ hashed >> 31) < 2**63


def thresholds(run):
    rows = []
    halved = {source: calibrates(source) for source in run.rows["source"].unique()}
    for carrier, decision in run.decisions():
        ops = run.rows.with_columns(
            run.wrong(carrier, decision).alias("wrong"), pl.col(f"{carrier}_own").cast(pl.Int64).alias("own"),
            pl.col("source").replace_strict(halved, return_dtype=pl.Boolean).alias("calibrates"))
        if decision["rising"]:
            decides = pl.col(f"{carrier}_state").is_not_null() & pl.col(f"{carrier}_embedded").is_in(["carried", "fragile"])
        else:
            decides = pl.col("own").is_not_null()
        lines = []
        for half, calibrating in (("calibration", True), ("held out", False)):
            of = ops.filter(pl.col("calibrates") == calibrating)
            signed = of.filter((pl.col("trial") == "signed") & decides)
            unsigned = of.filter((pl.col("trial") == "unsigned") & pl.col("wrong").is_not_null())
            for threshold in [*decision["candidates"], None]:
                if threshold is None:
                    found, wrong = run.accepted(carrier), pl.col("outcome") == "misattributed"
                    taken = run.accepted(carrier)
                else:
                    own, other = (reaches(pl.col(c), threshold, decision).fill_null(False) for c in ("own", "wrong"))
                    found, wrong, taken = own & ~other, other & ~own, other
                lines.append({
                    "carrier": carrier, "half": half, "unit": decision["unit"], "threshold": threshold, "role": "all rules",
                    "n": signed.height, "sources": signed["source"].n_unique(), "found": rate(signed, found),
                    "wrong": bound(signed, wrong), "unsigned": unsigned.height,
                    "unsigned_sources": unsigned["source"].n_unique(), "accepted": bound(unsigned, taken)})
        clean = None
        for row in lines[:len(decision["candidates"])]:
            if any(row[key] and row[key]["k"] for key in ("wrong", "accepted")):
                break
            clean = row["threshold"]
        for row in lines:
            if row["threshold"] is not None:
                roles = {"in use": row["threshold"] == decision["in_use"],
                         "calibration allows no more": clean is not None and row["threshold"] == clean}
                row["role"] = "; ".join(words for words, holds in roles.items() if holds)
        if any(row["n"] or row["unsigned"] for row in lines):
            rows += lines
    if not rows:
        keys = ("threshold", "role", "n", "sources", "found", "wrong", "unsigned", "unsigned_sources", "accepted")
        rows = [{"carrier": "no carrier decided by a number", "half": "", "unit": ""} | dict.fromkeys(keys)]
    return rows, []


def roc(run):
    """How often each threshold is reached, towards the issued proof in signed ops and towards a wrong one in others."""
    rows = []
    controls = [p["id"] for p in run.pipelines if p["family"] == "controls"]
    for carrier, decision in run.decisions():
        own = pl.col(f"{carrier}_own").cast(pl.Int64)
        if decision["rising"]:
            # A strength of nothing is 0 where an image that took the carrier was looked at.
            looked = pl.col(f"{carrier}_state").is_not_null() & pl.col(f"{carrier}_embedded").is_in(["carried", "fragile"])
            own = pl.when(looked).then(own.fill_null(0))
        for trial in ["signed", *NEGATIVES]:
            score = own if trial == "signed" else run.wrong(carrier, decision)
            ops = run.rows.filter((pl.col("trial") == trial) & ~pl.col("pipeline").is_in(controls))
            ops = ops.with_columns(score.alias("score")).drop_nulls("score")
            for threshold in decision["candidates"] if ops.height else []:
                rows.append({
                    "carrier": carrier, "trial": trial, "unit": decision["unit"], "threshold": threshold,
                    "role": "in use" if threshold == decision["in_use"] else "", "n": ops.height,
                    "sources": ops["source"].n_unique(), "reached": rate(ops, reaches(pl.col("score"), threshold, decision))})
    if not rows:
        keys = ("threshold", "role", "n", "sources", "reached")
        rows = [{"carrier": "no carrier decided by a number", "trial": "", "unit": ""} | dict.fromkeys(keys)]
    return rows, []


def latency(run):
    negative = run.rows.filter(pl.col("trial") != "signed")
    timed = [
        ("service", "sign", run.signed.filter(pl.col("sign_ns") > 0).unique("image", keep="first")["sign_ns"]),
        ("service", "verify, signed images", run.signed["verify_ns"]),
        ("service", "verify, negative trials", negative["verify_ns"]),
        ("service", "retrieve proof", run.signed["retrieve_ns"]),
    ]
    timed += [("carrier", carrier, run.signed[f"{carrier}_ns"]) for carrier in run.carriers]
    timed += [("pipeline", id, run.by_pipeline[id]["transform_ns"]) for id in run.ids]
    rows = []
    for part, name, values in timed:
        values = sorted(value for value in values.drop_nulls().to_list() if value > 0)
        row = {"part": part, "name": name, "n": len(values)}
        for key, permille in PERCENTILES:
            enough = len(values) * (1000 - permille) >= 10_000
            row[key] = nearest_rank(values, permille) if enough else None
        row["max"] = values[-1] if values else None
        row["level"] = LEVELS.get(name) if part == "service" else None
        row["verdict"] = None
        if row["level"]:
            row["verdict"] = "not measured" if row["p95"] is None else "met" if row["p95"] <= row["level"] else "not met"
        rows.append(row)
    spent = run.header["cpu"]["overhead_share"]
    return rows, [f"{words_of_percent(spent)} % of the CPU time", f"under the load of {run.header['threads']} worker threads"]


# --- Checks and losses ----------------------------------------------------------------------------------------------------


def words_of_percent(fraction):
    """Percent with one decimal, and with more rather than that some be printed as none or all."""
    for decimals in (1, 2, 3):
        text = f"{100 * fraction:.{decimals}f}"
        if fraction <= 0 or fraction >= 1 or float(text) not in (0, 100):
            return text
    return f"{100 * fraction:.4f}"


def words_of_time(nanos):
    """A duration with three significant figures."""
    if nanos < 1000:
        return f"{nanos} ns"
    for power, unit in ((3, "µs"), (6, "ms"), (9, "s")):
        value = nanos / 10**power
        if value < 999.5 or unit == "s":
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"


def controls(run):
    """What is checked of every row, by name: how many ops, and how many failed."""
    found = {"no proof is attributed to another image": [0, 0], "unsigned images are never accepted": [0, 0]}

    def count(name, ops, passed):
        if ops.height or name in found:
            found[name] = [ops.height, ops.filter(~passed.fill_null(False)).height]

    count("no proof is attributed to another image", run.signed, pl.col("outcome") != "misattributed")
    for trial, words in NEGATIVES.items():
        if trial != "near-duplicate":
            ops = run.rows.filter(pl.col("trial") == trial)
            count(f"{words} are never accepted", ops, pl.col("outcome") == "rejected")
    in_metadata = [c for c in run.carriers if run.facts[c]["place"] == "metadata"]
    in_store = [c for c in run.carriers if run.facts[c]["place"] == "store"]
    coded = lambda code: pl.any_horizontal([
        pl.col(f"{c}_codes").fill_null("").str.split(",").list.contains(code) for c in in_store])
    for pipeline in run.pipelines:
        ops, id = run.by_pipeline[pipeline["id"]], pipeline["id"]
        contract = pipeline.get("contract")
        if contract == "byte-exact":
            count(f"{id}: every proof is intact", ops, pl.col("same_bytes") & (pl.col("outcome") == "intact"))
        elif contract == "pixel-exact-stripped":
            passed = pl.lit(False)
            if in_metadata and in_store:
                gone = pl.all_horizontal([pl.col(f"{c}_state") == "absent" for c in in_metadata])
                seen = pl.all_horizontal([pl.col(f"{c}_state").is_not_null() for c in in_store])
                answered = pl.col("kept") | coded("credlink.content.ambiguous")
                exact = (pl.col("content_distance") == 0).fill_null(False) & answered
                right = exact | coded("credlink.content.featureless")
                passed = pl.col("same_pixels").fill_null(False) & gone.fill_null(False) & seen & right
            name = f"{id}: pixels are identical, manifest and link are gone, fingerprint distance is 0"
            count(name, ops, passed)
        elif contract == "nothing-left":
            count(f"{id}: no proof is found where nothing is left", ops, pl.col("outcome") == "lost")
    return found


def attribution(run):
    rows = []
    for id in run.ids:
        ops = run.by_pipeline[id]
        wrong = ops.filter(pl.col("outcome") == "misattributed").height
        found = rate(ops, pl.col("kept"))
        words = "not measured"
        if found:
            ends = ", ".join(words_of_percent(found[end]) for end in ("low", "high"))
            words = f"{words_of_percent(found['rate'])} % [{ends}]{'*' if found['provisional'] else ''}"
        rows.append({"name": id, "passed": wrong == 0 if ops.height else None, "detail":
                     f"{wrong:,} attributed to another image; survived {words} of {plural(ops.height, 'op')}"})
    return rows


def service_levels(run):
    rows = []
    for row in latency(run)[0]:
        if row["level"]:
            p95 = f"n {row['n']} does not support a p95" if row["p95"] is None else f"p95 {words_of_time(row['p95'])}"
            passed = {"met": True, "not met": False, "not measured": None}[row["verdict"]]
            rows.append({"name": row["name"], "passed": passed, "detail": f"{p95}, level {words_of_time(row['level'])}"})
    return rows


def lost(run):
    """Ops by what became of them; the example of a group is the first op in which the carriers answered as in most."""
    order = ["misattributed", "accepted", "error", "broken", "unconfirmed", "lost"]
    trials = ["signed", *NEGATIVES]
    said = [f"{carrier}_{column}" for carrier in run.carriers for column in ("state", "codes", "embedded")]
    groups = {}
    for op, trial, pipeline, outcome, cause, words, name, *cells in run.rows.select(
            "op", "trial", "pipeline", "outcome", "error_cause", "error", "name", *said).iter_rows():
        if outcome in order:
            answers = tuple((cells[i], first_code(cells[i + 1]), cells[i + 2] == "refused") for i in range(0, len(cells), 3))
            kinds = groups.setdefault((trial, pipeline, outcome, cause or ""), {})
            kinds.setdefault(answers, []).append((op, words or "", name))
    found = []
    for (trial, pipeline, outcome, cause), kinds in groups.items():
        commonest = max(kinds.values(), key=lambda ops: (len(ops), -min(ops)[0]))
        op, words, name = min(commonest)
        found.append({"trial": trial, "pipeline": pipeline, "outcome": outcome, "cause": cause, "words": words,
                      "n": sum(map(len, kinds.values())), "alike": len(commonest), "op": op, "name": name})
    return sorted(found, key=lambda g: (
        order.index(g["outcome"]), -g["n"], g["pipeline"], trials.index(g["trial"]), g["cause"]))


def sound_rows(run):
    """Whether rows agree with themselves and with the header: for each law how many rows break it."""
    signed, negative = run.signed, run.rows.filter(pl.col("trial") != "signed")
    laws = {
        "digest of rows.parquet as in run.json": int(run.header.get("rows_digest") not in (None, run.digest)),
        "as many rows as ops done": abs(run.rows.height - run.header["ops_done"]),
        "planned ops are done or left out": 0 if run.header["partial"] else abs(
            run.header["ops_planned"] - run.header["ops_done"] - run.header.get("ops_left_out", 0)),
        "survived as the outcome says": run.rows.filter(pl.col("survived") != pl.col("kept")).height,
        "an image goes through a pipeline once in each trial":
            run.rows.height - run.rows.select("trial", "pipeline", "image").n_unique(),
        "outcomes of signed ops": signed.filter(~pl.col("outcome").is_in(OUTCOMES)).height,
        "outcomes of negative trials": negative.filter(~pl.col("outcome").is_in(["rejected", "accepted", "error"])).height,
        "an image has one source": run.rows.select("image", "source").n_unique() - run.rows["image"].n_unique(),
    }
    any_accepted = pl.any_horizontal([run.accepted(c) for c in run.carriers])
    laws["who survived was accepted by a carrier"] = signed.filter(pl.col("kept") & ~any_accepted).height
    laws["who was accepted survived or was misattributed"] = signed.filter(
        any_accepted & ~pl.col("kept") & (pl.col("outcome") != "misattributed")).height
    laws["a negative trial is accepted if a carrier accepted"] = negative.filter(
        any_accepted != (pl.col("outcome") == "accepted")).height
    for carrier in run.carriers:
        laws[f"{carrier} accepts the issued proof alone"] = signed.filter(
            run.accepted(carrier) & (pl.col(f"{carrier}_proof") != pl.col("issued")).fill_null(True)).height
    return laws


# --- Comparison -----------------------------------------------------------------------------------------------------------


class Comparison:
    """Collects by group how many fields are equal and which are not."""

    def __init__(self):
        self.equal, self.different, self.unknown = {}, [], []
        self.ends, self.farthest = 0, 0.0

    def group(self, name):
        self.name = name
        self.equal.setdefault(name, 0)

    def count(self, holds, where, mine, printed):
        if holds:
            self.equal[self.name] += 1
        else:
            self.different.append(f"{self.name}: {where}: report {printed!r}, recomputed {mine!r}")

    def value(self, where, mine, printed):
        number = isinstance(printed, (int, float)) and not isinstance(printed, bool)
        if isinstance(mine, dict):
            if not isinstance(printed, dict):
                self.count(False, where, {k: v for k, v in mine.items()}, printed)
                return
            for key in mine.keys() | printed.keys():
                self.value(f"{where} {key}", mine.get(key), printed.get(key))
        elif not number or mine is None or isinstance(mine, (bool, str)):
            self.count(type(mine) is type(printed) and mine == printed, where, mine, printed)
        elif isinstance(mine, End):
            self.end(where, mine, printed)
        elif isinstance(mine, Resampled):
            self.count(mine.least - 1e-12 <= printed <= mine.most + 1e-12, where, float(mine), printed)
        elif isinstance(mine, Rounded) and mine.unit:
            self.count(abs(mine - printed) <= mine.unit * (0.5 + 1e-6), where, float(mine), printed)
        elif isinstance(mine, int):
            self.count(mine == printed, where, mine, printed)
        else:
            self.count(abs(mine - printed) <= CLOSE * max(abs(mine), abs(printed)), where, float(mine), printed)

    def end(self, where, mine, printed):
        self.ends += 1
        apart = abs(mine - printed) / mine.scale
        self.farthest = max(self.farthest, apart)
        self.count(apart <= AT_ENDS, where, float(mine), printed)

    def rows(self, name, keys, mine, printed):
        self.group(name)
        self.count(len(mine) == len(printed), "rows", len(mine), len(printed))
        for own, row in zip(mine, printed):
            where = ", ".join(str(own[key]) for key in keys if own.get(key) not in (None, ""))
            for key, value in own.items():
                if key in row:
                    self.value(f"{where}: {key}", value, row[key])
                else:
                    self.count(False, f"{where}: {key}", value, "no such field")
        fresh = {key for row in printed for key in row} - {key for row in mine for key in row} - PROSE
        self.unknown += [f"{name}: column {key}" for key in sorted(fresh)]


TABLES = {
    "answer": (answer, "the answer", ["figure"]),
    "survival": (survival, "survival by pipeline", ["pipeline"]),
    "families": (families, "survival by family", ["family"]),
    "overall": (overall, "pooled, average and worst", ["figure"]),
    "claims": (claims, "claims", ["pipeline"]),
    "carriers": (carriers, "carriers", ["carrier"]),
    "layers": (layers, "layers", ["carriers"]),
    "embedded": (embedded, "images that took a carrier", ["carrier", "pipeline"]),
    "metadata": (metadata, "what else survives", ["pipeline", "what"]),
    "signing": (signing, "what signing does", ["figure", "unit"]),
    "strata": (strata, "kinds of image", ["dimension", "stratum"]),
    "causes": (causes, "causes of failure", ["carrier", "cause"]),
    "doses": (doses, "survival along parameters", ["recipe", "parameter", "measure", "value"]),
    "dose-points": (dose_points, "50 and 95 % points", ["recipe", "parameter", "measure"]),
    "generations": (generations, "re-shares", ["recipe", "measure", "hop"]),
    "false-accepts": (false_accepts, "false accepts", ["trial", "pipeline"]),
    "nearest": (nearest, "nearest wrong proofs", ["carrier", "trial", "class"]),
    "thresholds": (thresholds, "thresholds", ["carrier", "half", "threshold"]),
    "roc": (roc, "ROC and DET curves", ["carrier", "trial", "threshold"]),
    "latency": (latency, "latency", ["part", "name"]),
}


def recompute(run):
    """Everything that is compared, before report.json is opened."""
    return {
        "tables": {id: make(run) for id, (make, _, _) in TABLES.items()},
        "laws": sound_rows(run), "controls": controls(run), "attribution": attribution(run),
        "service levels": service_levels(run), "lost": lost(run),
    }


def compare(run, own, report):
    found = Comparison()
    found.group("rows and header")
    for law, broken in own["laws"].items():
        found.count(broken == 0, law, "no exception", f"{broken} exceptions")
    for key in ("id", "seed", "carriers", "ops_planned", "ops_done", "partial", "rows_digest"):
        found.value(f"run.{key}", run.header.get(key), report["run"].get(key))
    printed = {table["table"]: table for table in report["tables"]}
    for id, (_, name, keys) in TABLES.items():
        if id not in printed:
            found.group(name)
            found.count(False, "table", id, "no such table")
            continue
        rows, notes = own["tables"][id]
        found.rows(name, keys, rows, printed[id]["rows"])
        for note in notes:
            holds = any(note in text for text in printed[id]["notes"])
            found.count(holds, "note", note, "not among the notes")
    found.unknown += [f"table {id}" for id in printed if id not in TABLES]
    checks = {}
    for check in report["checks"]:
        checks.setdefault(check["suite"], []).append(check)
    found.group("controls")
    named = {check["name"]: check for check in checks.pop("controls", [])}
    for name, (checked, failed) in own["controls"].items():
        check = named.pop(name, None)
        passed = checked > 0 and failed == 0
        start = f"{failed} of {checked} ops failed" if checked else "nothing was checked"
        start = f"{checked} ops checked" if passed else start
        holds = check is not None and check["passed"] == passed and check["detail"].startswith(start)
        found.count(holds, name, start, check and check["detail"])
    found.unknown += [f"control {name}" for name in named]
    for suite in ("attribution", "service levels"):
        found.rows(f"checks of {suite}", ["name"], own[suite], checks.pop(suite, []))
    found.unknown = [words for words in found.unknown if not words.endswith("column suite")]
    found.unknown += [f"checks of {suite}" for suite in checks]
    found.rows("groups of losses", ["trial", "pipeline", "outcome"], own["lost"], report["lost"])
    return found


def main():
    if len(sys.argv) != 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    directory = Path(sys.argv[1])
    try:
        run = Run(directory)
        own = recompute(run)
        report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError) as error:
        print(f"{directory}: {error!r}", file=sys.stderr)
        return 2
    found = compare(run, own, report)
    for name, equal in found.equal.items():
        differ = sum(words.startswith(f"{name}: ") for words in found.different)
        print(f"{name}: {equal:,} figures equal" + (f", {differ:,} DIFFER" if differ else ""))
    print(f"of these {found.ends:,} are ends of intervals and bounds; the farthest is {found.farthest:.1e} away")
    for words in found.unknown:
        print(f"not checked: {words}")
    for words in found.different:
        print(f"DIFFERS: {words}")
    return 1 if found.different else 0


if __name__ == "__main__":
    sys.exit(main())

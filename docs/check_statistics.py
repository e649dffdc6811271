#!/usr/bin/env python3
"""Computes the statistics of a run again, from its rows alone, and compares them with its report.

    pip install polars numpy scipy
    python docs/check_statistics.py reports/runs/RUN

Nothing here is shared with the harness: rows are read with polars, intervals are simulated with numpy where the
harness computes them, and the bound of Clopper and Pearson is scipy's. Counts, rates and percentiles have to be equal;
the ends of intervals to agree within 2.5 % of the interval's width, which is the error of the simulation. Prints how
many figures of each table were compared, which tables were not, and every figure that differs. Ends with 1 if any does,
or if a table that ought to be there is not.
"""

import argparse
import json
import pathlib
import sys

import numpy
import polars
from scipy import stats

# In batches, for the memory that they take.
BATCHES, DRAWS = 5, 50_000
# So many draws give a bound to within 0.3 % of itself, one standard error; the chance that the harness computes is
# within 1 % of itself. Thousands of ends are compared.
TOLERANCE = 0.025
# The weight of a source that nobody has seen: in intervals of two sides, and in bounds of one.
UNSEEN, UNSEEN_IN_BOUNDS = 0.75, 1.0
SURVIVED = ("intact", "resigned", "recovered")
PERCENTILES = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99_9": 999}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, help="folder of the run, with rows.parquet and report.json")
    run = parser.parse_args().run
    check = Check(run)
    check.answer()
    check.survival("survival", "pipeline")
    check.survival("families", "family")
    check.carriers()
    check.strata()
    check.overall()
    check.false_accepts()
    check.latency()
    sys.exit(check.result())


class Check:
    def __init__(self, run):
        report = json.loads((run / "report.json").read_text())
        self.tables = {table["table"]: table["rows"] for table in report["tables"]}
        self.carriers_of_run = report["run"]["carriers"]
        rows = polars.read_parquet(run / "rows.parquet")
        self.signed = rows.filter(polars.col("trial") == "signed").with_columns(
            polars.col("outcome").is_in(SURVIVED).alias("any"),
            *[polars.col(f"{name}_accepted").fill_null(False).alias(f"by_{name}") for name in self.carriers_of_run],
        )
        self.pooled = self.signed.filter(polars.col("family") != "controls")
        self.negative = rows.filter(polars.col("trial") != "signed")
        self.measures = ["any"] + [f"by_{name}" for name in self.carriers_of_run]
        self.random = numpy.random.default_rng(20051)
        self.compared, self.wrong = {}, []

    # What a table says against what the rows say.

    def equal(self, where, told, found):
        table = where.split(":")[0]
        self.compared[table] = self.compared.get(table, 0) + 1
        if told != found:
            self.wrong.append(f"{where}: the report says {told}, the rows {found}")

    def near(self, where, told, found, width):
        table = where.split(":")[0]
        self.compared[table] = self.compared.get(table, 0) + 1
        if told is None or found is None or abs(told - found) > TOLERANCE * width + 1e-6:
            self.wrong.append(f"{where}: the report says {told}, computed again {found} (width {width})")

    def rate(self, where, told, ops, kept, of=None):
        """A rate with its interval: `kept` is a column of truths, `of` one that says what the rate is of."""
        if of is not None:
            ops = ops.filter(of)
        sizes, hits = per_source(ops, kept)
        if sizes.sum() == 0:
            return self.equal(f"{where}, without trials", told, None)
        self.equal(f"{where} n", told["n"], int(sizes.sum()))
        self.equal(f"{where} k", told["k"], int(hits.sum()))
        low = self.lower(sizes, hits, UNSEEN, 0.025)
        high = 1 - self.lower(sizes, sizes - hits, UNSEEN, 0.025)
        self.near(f"{where} low", told["low"], low, high - low)
        self.near(f"{where} high", told["high"], high, high - low)

    def bound(self, where, told, ops, accepted):
        sizes, hits = per_source(ops, accepted)
        if sizes.sum() == 0:
            return self.equal(f"{where}, without trials", told, None)
        self.equal(f"{where} n", told["n"], int(sizes.sum()))
        self.equal(f"{where} k", told["k"], int(hits.sum()))
        upper = 1 - self.lower(sizes, sizes - hits, UNSEEN_IN_BOUNDS, 0.05)
        self.near(f"{where} upper", told["upper"], upper, upper)
        if hits.sum() == 0 and (sizes == sizes[0]).all():
            exact = stats.beta.ppf(0.95, 1, len(sizes))
            self.near(f"{where} upper, Clopper and Pearson", told["upper"], exact, exact / 100)

    def lower(self, sizes, hits, unseen, alpha):
        """Bayesian bootstrap over sources: exponential weights, and an unseen source that keeps nothing. Sources that
        are alike share one gamma variate."""
        if hits.sum() == 0:
            return 0.0
        kinds, copies = numpy.unique(numpy.stack([sizes, hits]), axis=1, return_counts=True)
        size = (sizes.astype(float) ** 2).sum() / sizes.sum()
        ratios = []
        for _ in range(BATCHES):
            weights = self.random.standard_gamma(copies, (DRAWS, len(copies)))
            missing = self.random.standard_gamma(unseen, DRAWS) * size
            ratios.append(weights @ kinds[1] / (weights @ kinds[0] + missing))
        return float(numpy.quantile(numpy.concatenate(ratios), alpha))

    # The tables.

    def table(self, name):
        rows = self.tables.get(name, [])
        if not rows:
            self.wrong.append(f"{name}: the report has no such table, or nothing in it")
        return rows

    def answer(self):
        in_file = polars.col("outcome").is_in(["intact", "resigned"])
        changed = ~polars.col("same_bytes").fill_null(False)
        # Other readers look at the manifest alone.
        sees = polars.col("manifest_state")
        figures = {
            "other readers: none": (sees == "absent", None),
            "other readers: invalid": (sees == "invalid", None),
            "other readers: valid": (sees.is_in(["intact", "resigned", "foreign"]), None),
            "still in the file": (in_file, None),
            "still in the file, where the pipeline changed it": (in_file, changed),
            "found again through our store": (polars.col("outcome") == "recovered", None),
            "not found": (~polars.col("outcome").is_in(SURVIVED), None),
        }
        rows = {row["figure"]: row["rate"] for row in self.table("answer")}
        for figure, (kept, of) in figures.items():
            if figure not in rows:
                self.wrong.append(f"answer: no figure is called {figure}")
                continue
            self.rate(f"answer: {figure}", rows[figure], self.pooled, kept, of)

    def survival(self, table, column):
        for row in self.table(table):
            # Families are pooled figures; a pipeline is one by itself, controls too.
            ops = self.signed.filter(polars.col(column) == row[column])
            if row[column] == "all families":
                ops = self.pooled
            where = f"{table}: {row[column]}"
            self.equal(f"{where} n", row["n"], len(ops))
            self.equal(f"{where} images", row["images"], ops["image"].n_unique())
            self.equal(f"{where} sources", row["sources"], ops["source"].n_unique())
            for measure in self.measures:
                self.rate(f"{where} {measure}", row[measure], ops, polars.col(measure))
            found = dict(ops["outcome"].value_counts().iter_rows())
            for outcome, count in row["outcome"].items():
                self.equal(f"{where} {outcome}", count, found.pop(outcome, 0))
            self.equal(f"{where} outcomes the report does not name", {}, found)

    def carriers(self):
        for row in self.table("carriers"):
            name = row["carrier"]
            others = [f"by_{other}" for other in self.carriers_of_run if other != name]
            alone = polars.col(f"by_{name}")
            # `any` of no carrier at all is false.
            another = polars.any_horizontal(others) if others else polars.lit(False)
            unique = polars.col("any") & alone & ~another
            first = (self.pooled["outcome"] == "recovered") & (self.pooled["recovered_by"] == name)
            self.rate(f"carriers: {name} alone", row["alone"], self.pooled, alone)
            self.rate(f"carriers: {name} unique", row["unique"], self.pooled, unique)
            self.equal(f"carriers: {name} recovered", row["recovered"], int(first.sum()))

    def strata(self):
        for row in self.table("strata"):
            if row["dimension"] != "class":
                continue
            ops = self.pooled.filter(polars.col("class") == row["stratum"])
            where = f"strata: {row['stratum']}"
            self.equal(f"{where} sources", row["sources"], ops["source"].n_unique())
            for measure in self.measures:
                self.rate(f"{where} {measure}", row[measure], ops, polars.col(measure))

    def overall(self):
        shares = self.pooled.group_by("pipeline").agg([polars.col(name).mean() for name in self.measures])
        found = {
            "pooled": {name: self.pooled[name].mean() for name in self.measures},
            "average over pipelines": {name: shares[name].mean() for name in self.measures},
            "worst pipeline": {name: shares[name].min() for name in self.measures},
        }
        for row in self.table("overall"):
            for name in self.measures:
                where = f"overall: {row['figure']} {name}"
                self.near(where, row[name]["value"], 100 * found[row["figure"]][name], 0)

    def false_accepts(self):
        for row in self.table("false-accepts"):
            ops = self.negative
            if row["trial"] != "all kinds":
                ops = ops.filter(polars.col("trial") == row["trial"])
            if row["pipeline"] != "all pipelines":
                ops = ops.filter(polars.col("pipeline") == row["pipeline"])
            where = f"false-accepts: {row['trial']} {row['pipeline']}"
            self.equal(f"{where} errors", row["errors"], len(ops.filter(polars.col("outcome") == "error")))
            ops = ops.filter(polars.col("outcome") != "error")
            self.equal(f"{where} sources", row["sources"], ops["source"].n_unique())
            accepted = polars.col("outcome") == "accepted"
            self.bound(f"{where} any", row["any"], ops, accepted)
            for name in self.carriers_of_run:
                accepted = polars.col(f"{name}_accepted").fill_null(False)
                self.bound(f"{where} by_{name}", row[f"by_{name}"], ops, accepted)

    def latency(self):
        services = {
            # An image is signed once; its time stands in each of its rows.
            "sign": self.signed.filter(polars.col("sign_ns") > 0).unique("image")["sign_ns"],
            "verify, signed images": self.signed["verify_ns"],
            "verify, negative trials": self.negative["verify_ns"],
            "retrieve proof": self.signed["retrieve_ns"],
        }
        for row in self.table("latency"):
            name = row["name"]
            if row["part"] == "service":
                times = services[name]
            elif row["part"] == "carrier":
                times = self.signed[f"{name}_ns"]
            else:
                times = self.signed.filter(polars.col("pipeline") == name)["transform_ns"]
            times = sorted(time for time in times if time)
            where = f"latency: {row['part']} {name}"
            self.equal(f"{where} n", row["n"], len(times))
            self.equal(f"{where} max", row["max"], times[-1] if times else None)
            for percentile, permille in PERCENTILES.items():
                # The report says nothing where n does not support the percentile.
                if row[percentile] is not None:
                    rank = -(-len(times) * permille // 1000)
                    self.equal(f"{where} {percentile}", row[percentile], times[rank - 1])

    def result(self):
        for table, count in self.compared.items():
            print(f"{table}: {count} figures compared")
        print("not compared: " + ", ".join(name for name in self.tables if name not in self.compared))
        for wrong in self.wrong:
            print(f"DIFFERS {wrong}")
        print(f"{sum(self.compared.values())} figures compared, {len(self.wrong)} differ")
        return 1 if self.wrong else 0


def per_source(ops, kept):
    """Ops of each source, and those of them that are kept."""
    by_source = ops.group_by("source").agg(polars.len().alias("n"), kept.sum().alias("k"))
    return by_source["n"].to_numpy().astype(int), by_source["k"].to_numpy().astype(int)


if __name__ == "__main__":
    main()

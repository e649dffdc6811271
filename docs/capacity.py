"""CPU milliseconds of an op by pipeline, from the rows of a run: python docs/capacity.py RUN (needs polars)."""
import sys

import polars as pl

rows = pl.read_parquet(sys.argv[1] + "/rows.parquet")
signed = rows.filter(pl.col("trial") == "signed")
# An image is signed once for all its ops.
signed = signed.with_columns((pl.col("sign_ns") / pl.len().over("image")).alias("sign_share"))
ms = 1e-6
table = (
    signed.group_by("pipeline")
    .agg(
        pl.len().alias("ops"),
        (pl.col("transform_ns").mean() * ms).alias("transform"),
        (pl.col("verify_ns").mean() * ms).alias("verify"),
        (pl.col("sign_share").mean() * ms).alias("sign"),
    )
    .with_columns((pl.col("transform") + pl.col("verify") + pl.col("sign")).alias("all"))
    .sort("all", descending=True)
)
print("| pipeline | transform, ms | verify, ms | share of signing, ms | core-hours a million ops |")
print("|---|---:|---:|---:|---:|")
for row in table.iter_rows(named=True):
    hours = row["all"] / 3600 * 1000
    print(f"| {row['pipeline']} | {row['transform']:.1f} | {row['verify']:.1f} | {row['sign']:.1f} | {hours:.1f} |")
mean = signed.select(((pl.col("transform_ns") + pl.col("verify_ns") + pl.col("sign_share")) * ms).mean()).item()
print(f"| all signed ops | | | | {mean / 3.6:.1f} |")

"""Reference values for reports/src/stats, from SciPy, statsmodels and lifelines.

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 lifelines==0.30.3
    python statistics.py > statistics.json
"""

import json
import math

import lifelines
import numpy as np
import scipy
import statsmodels
from scipy import stats
from scipy.optimize import isotonic_regression
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

rng = np.random.default_rng(20260131)
out = {
    "versions": {
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "lifelines": lifelines.__version__,
    }
}

ps = [1e-300, 1e-20, 1e-9, 1e-4, 0.001, 0.024, 0.025, 0.05, 0.075, 0.2, 0.4999, 0.5, 0.6, 0.9, 0.95, 0.975, 0.999, 1 - 1e-9]
out["normal_quantile"] = [[p, stats.norm.ppf(p)] for p in ps]
zs = [-37.0, -10.0, -5.5, -1.96, -1e-9, 0.0, 0.3, 1.0, 1.6448536, 3.0, 8.0]
out["normal_cdf"] = [[z, stats.norm.cdf(z)] for z in zs]

rates = [
    (0, 1), (1, 1), (0, 3), (1, 2), (3, 7), (0, 10), (10, 10), (5, 20), (19, 19), (50, 100), (1, 100), (99, 100),
    (497, 500), (0, 500), (500, 500), (2995, 2995), (2994, 2995), (1500, 3000), (9994, 10000), (1, 100000),
    (123456, 1000000), (999999, 1000000), (0, 1000000), (37, 10000000), (9999990, 10000000),
]
out["wilson"] = [[k, n, *proportion_confint(k, n, alpha=0.05, method="wilson")] for k, n in rates]
out["clopper_pearson"] = []
for k, n in rates:
    two = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    # The beta quantiles of which the exact interval consists; binomtest finds the same by a root search.
    low = 0.0 if k == 0 else stats.beta.ppf(0.025, k, n - k + 1)
    high = 1.0 if k == n else stats.beta.ppf(0.975, k + 1, n - k)
    assert abs(two.low - low) < 1e-7 and abs(two.high - high) < 1e-7
    one_low = 0.0 if k == 0 else stats.beta.ppf(0.05, k, n - k + 1)
    one_high = 1.0 if k == n else stats.beta.ppf(0.95, k + 1, n - k)
    out["clopper_pearson"].append([k, n, low, high, one_low, one_high])

pairs = [(0, 0), (1, 0), (0, 6), (3, 9), (10, 10), (25, 12), (100, 140), (1, 30), (1200, 1300), (50000, 50600)]
out["mcnemar"] = [[b, c, stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0] for b, c in pairs]

tables = [
    (8, 10, 1, 10), (0, 5, 5, 5), (3, 3, 3, 3), (49, 50, 45, 50), (2890, 3000, 2830, 3000), (2999, 3000, 3000, 3000),
    (120, 1000, 90, 700), (0, 10, 0, 12), (9, 20, 30, 47), (10000, 20000, 10200, 20000),
]
out["fisher"] = [
    [a, n, b, m, stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue] for a, n, b, m in tables
]
out["newcombe"] = []
for a, n, b, m in tables:
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=0.05)
    out["newcombe"].append([a, n, b, m, low, high])
# Two one-sided tests at 5 % are the 90 % interval against the margin.
out["tost"] = []
for a, n, b, m, margin in [(9500, 10000, 9510, 10000, 0.01), (95, 100, 95, 100, 0.01), (9500, 10000, 9000, 10000, 0.01),
                           (2890, 3000, 2870, 3000, 0.02), (50, 60, 48, 61, 0.3)]:
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=0.1)
    verdict = "equivalent" if -margin < low and high < margin else "different" if low >= margin or high <= -margin else "undecided"
    out["tost"].append([a, n, b, m, margin, low, high, verdict])

families = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.01, 0.9, 1.0], list(rng.uniform(0, 0.2, 20))]
out["holm"] = [[p, list(multipletests(p, method="holm")[1])] for p in families]

out["isotonic"] = []
for size in (1, 2, 7, 30):
    y, w = rng.uniform(0, 1, size), rng.integers(1, 50, size).astype(float)
    out["isotonic"].append([list(y), list(w), list(isotonic_regression(y, weights=w).x)])

out["kaplan_meier"] = []
for size, hops in ((12, 5), (200, 20), (1000, 8)):
    life = np.ceil(rng.exponential(hops / 2, size))
    time, lost = np.minimum(life, hops), life <= hops
    sf = stats.ecdf(stats.CensoredData.right_censored(time, ~lost)).sf
    band = sf.confidence_interval(0.95, method="log-log")
    steps = [
        [t, s, band.low.probabilities[i], band.high.probabilities[i]]
        for i, (t, s) in enumerate(zip(sf.quantiles, sf.probabilities))
        if 0 < s < 1
    ]
    fitted = lifelines.KaplanMeierFitter().fit(time, lost)
    median = fitted.median_survival_time_
    out["kaplan_meier"].append([list(time), [bool(x) for x in lost], steps, None if math.isinf(median) else median])

print(json.dumps(out, indent=None, separators=(",", ":")).replace('],"', '],\n"'))

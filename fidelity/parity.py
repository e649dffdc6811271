"""Survival through the real program against survival through our recipe: the same signed photos, the same proof store,
the same verifier. Statistics of paired shares, each with its source."""

import json
import math
import pathlib
import subprocess

CARRIERS = ["manifest", "link", "watermark", "fingerprint"]
SURVIVED = {"intact", "resigned", "recovered"}
# Two-sided 95 %.
Z = 1.959963984540054


def run(words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


class Signer:
    """Signs photos once, with keys and a proof store of their own."""

    def __init__(self, credlink, folder):
        self.credlink, self.folder = credlink, pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.keys, self.store = self.folder / "keys", self.folder / "proofs"
        code, _, words = run([credlink, "keys", "generate", self.keys, "--name", "Fidelity"])
        if code != 0:
            raise RuntimeError(words)

    def sign(self, photo):
        """The signed file and its proof id; raises RuntimeError with the signer's words."""
        signed = self.folder / photo.name
        code, said, words = run([self.credlink, "sign", "--keys", self.keys, "--store", self.store, photo, signed])
        if code != 0:
            raise RuntimeError(words.strip()[-200:])
        return signed, said.split(" as proof ")[1].split(":")[0]

    def verify(self, file, proof):
        """For each carrier its state, and whether it was accepted for this proof."""
        _, said, words = run([self.credlink, "verify", "--keys", self.keys, "--store", self.store, "--json", file])
        try:
            examined = json.loads(said)["verification"]["carriers"]
        except (ValueError, KeyError) as error:
            raise RuntimeError(f"verify: {error}: {words.strip()[-200:]}") from error
        found = {}
        for entry in examined:
            finding = entry["finding"]
            accepted = finding["state"] in SURVIVED and finding["proof"] == proof
            found[entry["carrier"]] = (finding["state"], accepted)
        return found


def wilson(k, n):
    """The score interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, Z * Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return centre - half, centre + half


def newcombe(both, lost, won, n):
    """The change of a share over `n` pairs with its 95 % interval: `lost` hold on the first side alone, `won` on the second
    (Newcombe 1998, Statistics in Medicine 17:2635, method 10)."""
    neither = n - both - lost - won
    first, second = (both + lost) / n, (both + won) / n
    (low_1, high_1), (low_2, high_2) = wilson(both + lost, n), wilson(both + won, n)
    margins = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    correlation = 0.0
    if margins > 0:
        cross = both * neither - lost * won
        correlation = (max(cross - n / 2, 0) if cross > 0 else cross) / math.sqrt(margins)
    side = lambda a, b: math.sqrt(max(a * a - 2 * correlation * a * b + b * b, 0))
    change = second - first
    return change, change - side(second - low_2, high_1 - first), change + side(high_2 - second, first - low_1)


def mcnemar(first, second):
    """Two-sided exact p of discordant pairs (McNemar 1947, by the binomial distribution)."""
    n, k = first + second, min(first, second)
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, i) for i in range(k + 1)) / 2**n
    return min(1.0, 2 * tail)


def test():
    """Values that the statistics of the reports are checked with, from SciPy; run before anything is measured."""
    for case, low, high in [
        ((36, 12, 2, 50), -0.3404276029749408, -0.05692958400323875),
        ((2800, 70, 10, 3000), -0.026168452903272195, -0.014292799724902223),
        ((40, 0, 0, 40), -0.08762160119728657, 0.08762160119728657),
        ((5, 1, 7, 30), 0.013877007623489451, 0.37033849410697084),
    ]:
        found = newcombe(*case)
        assert abs(found[1] - low) < 1e-12 and abs(found[2] - high) < 1e-12, (case, found)
    # Eight discordant pairs, one against seven: 2 (1 + 8) / 256.
    assert abs(mcnemar(1, 7) - 18 / 256) < 1e-12 and mcnemar(0, 0) == 1.0


if __name__ == "__main__":
    test()

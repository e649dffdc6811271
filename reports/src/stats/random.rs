//! Random numbers for resampling: the same seed gives the same figures on every machine.
//!
//! SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

use super::normal_quantile;

/// A seeded stream.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// SplitMix64's finaliser: spreads every bit of a number over all of them.
pub(crate) fn mixed(bits: u64) -> u64 {
    let mut z = bits;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// Uniform, above 0 and below 1.
    pub fn share(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform from 0 to `n − 1`; the bias of the multiplication is below `n / 2⁶⁴`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Successes in `n` trials of chance `p`: by inversion where few are expected, else by Hörmann's
    /// transformed rejection BTRS (Journal of Statistical Computation and Simulation 46, 1993, 101–110).
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if n == 0 || p <= 0.0 {
            return 0;
        }
        if p >= 1.0 {
            return n;
        }
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        let trials = n as f64;
        if trials * p < 10.0 {
            return self.few(n, p);
        }
        let q = 1.0 - p;
        let spread = (trials * p * q).sqrt();
        let b = 1.15 + 2.53 * spread;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let c = trials * p + 0.5;
        let v_r = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * spread;
        let mode = ((trials + 1.0) * p).floor();
        let odds = (p / q).ln();
        let height = libm::lgamma(mode + 1.0) + libm::lgamma(trials - mode + 1.0);
        loop {
            let u = self.share() - 0.5;
            let v = self.share();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + c).floor();
            if k < 0.0 || k > trials {
                continue;
            }
            if us >= 0.07 && v <= v_r {
                return k as u64;
            }
            let v = (v * alpha / (a / (us * us) + b)).ln();
            let accept =
                height - libm::lgamma(k + 1.0) - libm::lgamma(trials - k + 1.0) + (k - mode) * odds;
            if v <= accept {
                return k as u64;
            }
        }
    }

    fn few(&mut self, n: u64, p: f64) -> u64 {
        let odds = p / (1.0 - p);
        let mut chance = (n as f64 * (-p).ln_1p()).exp();
        let mut left = self.share();
        let mut k = 0;
        while left > chance && k < n {
            left -= chance;
            k += 1;
            chance *= odds * (n - k + 1) as f64 / k as f64;
        }
        k
    }

    /// A gamma variate of shape `a ≥ 1` and scale 1: G. Marsaglia, W. W. Tsang, ACM TOMS 26 (2000) 363–372.
    pub fn gamma(&mut self, a: f64) -> f64 {
        let d = a - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = normal_quantile(self.share());
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.share().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_reference() {
        // The C program of S. Vigna, https://prng.di.unimi.it/splitmix64.c, with this seed.
        let mut random = Random::new(1_234_567);
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(known.map(|_| random.bits()), known);
    }

    #[test]
    fn draws_have_the_mean_and_variance_of_their_distribution() {
        let mut random = Random::new(5);
        let rounds = 40_000_u32;
        let mut moments = |draw: &mut dyn FnMut(&mut Random) -> f64| {
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..rounds {
                let x = draw(&mut random);
                sum += x;
                squares += x * x;
            }
            let mean = sum / f64::from(rounds);
            (mean, squares / f64::from(rounds) - mean * mean)
        };
        for (n, p) in [
            (1_u64, 0.3),
            (50, 0.02),
            (1000, 0.004),
            (40, 0.5),
            (3000, 0.1),
            (500, 0.97),
        ] {
            let (mean, variance) = moments(&mut |random| random.binomial(n, p) as f64);
            let (m, v) = (n as f64 * p, n as f64 * p * (1.0 - p));
            assert!(
                (mean - m).abs() < 4.5 * (v / f64::from(rounds)).sqrt(),
                "{n} {p}: {mean}"
            );
            assert!((variance / v - 1.0).abs() < 0.05, "{n} {p}: {variance} {v}");
        }
        for a in [1.0, 2.5, 950.0] {
            let (mean, variance) = moments(&mut |random| random.gamma(a));
            assert!(
                (mean / a - 1.0).abs() < 4.5 / (a * f64::from(rounds)).sqrt(),
                "{a}: {mean}"
            );
            assert!((variance / a - 1.0).abs() < 0.08, "{a}: {variance}");
        }
        let (mean, _) = moments(&mut |random| random.below(7) as f64);
        assert!((mean - 3.0).abs() < 0.05);
    }
}

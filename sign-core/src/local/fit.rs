//! How a received picture lies on a registered one, from points that look alike.
//!
//! Double arithmetic in a fixed order, without functions of which machines differ in the last bit.

use super::gate::CHANCE;
use super::matches::{Pair, pairs};
use super::{LEAST_POINTS, Point};
use crate::pixels::affine::Affine;

/// Nearest two points that fix a similarity, canonical pixels.
const APART: f64 = 10.0;

/// Largest turn of an upright match: tangent of 25°.
const TURN: f64 = 0.466_307_658_154_998_6;

/// By how much the scale of a pair may differ from that of the map, 1/32 octave: 0.6 octaves.
const SCALE_TOLERANCE: f64 = 19.2;

/// How far from its place a point may be: canonical pixels, and in σ.
const TOLERANCE: (f64, f64) = (4.0, 0.7);

/// Points nearer than this, in σ of the smaller, see the same thing.
const OVERLAP: f64 = 3.0;

/// Refinements at most, and what holds them near the similarity.
const REFINEMENTS: usize = 3;
const STIFFNESS: f64 = 50.0;

/// A received picture on a registered one.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// Pairs of points that look alike: what the gate asks for.
    pub(crate) pairs: usize,
    /// Points that lie alike under one similarity, those that see the same thing counted once.
    pub(crate) independent: usize,
    /// Whether the registered points are crowded: places by chance are nearer to some of them than usual.
    pub(crate) is_crowded: bool,
    /// From canonical pixels of the received picture to those of the registered one.
    pub(crate) map: Affine,
}

/// A point with what is needed of it many times.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    /// log2 σ, 1/32 octave.
    scale: f64,
    sigma: f64,
}

impl Place {
    fn of(point: &Point) -> Self {
        Self {
            x: f64::from(point.x) / 8.0,
            y: f64::from(point.y) / 8.0,
            scale: f64::from(point.scale),
            sigma: power(f64::from(point.scale)),
        }
    }

    fn distance2(&self, other: &Self) -> f64 {
        let (dx, dy) = (self.x - other.x, self.y - other.y);
        dx * dx + dy * dy
    }

    /// How far a partner may be from here.
    fn tolerance(&self) -> f64 {
        TOLERANCE.0 + TOLERANCE.1 * self.sigma
    }
}

/// 2^(k/32) by products alone, for whole k from 0 to 255.
fn power(k: f64) -> f64 {
    const ROOT: f64 = 1.021_897_148_654_116_6;
    (0..k as usize).fold(1.0, |product, _| product * ROOT)
}

/// log2 of the square root of a ratio, 1/32 octave, to a quarter of that: by halving, without a logarithm.
fn half_log(mut ratio: f64) -> f64 {
    /// 2^(1/64), since the ratio is of squares: half a step of a scale.
    const STEPS: [(f64, f64); 8] = [
        (4.0, 32.0),
        (2.0, 16.0),
        (std::f64::consts::SQRT_2, 8.0),
        (1.189_207_115_002_721, 4.0),
        (1.090_507_732_665_257_7, 2.0),
        (1.044_273_782_427_413_8, 1.0),
        (1.021_897_148_654_116_6, 0.5),
        (1.010_889_286_051_700_5, 0.25),
    ];
    let (mut sum, sign) = if ratio < 1.0 {
        ratio = 1.0 / ratio;
        (0.0, -1.0)
    } else {
        (0.0, 1.0)
    };
    for (factor, steps) in STEPS {
        // Beyond 2^64 nothing is a scale.
        for _ in 0..32 {
            if ratio < factor {
                break;
            }
            ratio /= factor;
            sum += steps;
        }
    }
    sign * sum
}

/// The similarity under which most points lie alike; `None` where fewer than [`LEAST_POINTS`] look alike.
pub(crate) fn fitted(sought: &[Point], registered: &[Point]) -> Option<Fit> {
    let pairs = pairs(sought, registered);
    if pairs.len() < LEAST_POINTS {
        return None;
    }
    let matched = Matched {
        sought: pairs.iter().map(|p| Place::of(&sought[p.sought])).collect(),
        registered: pairs
            .iter()
            .map(|p| Place::of(&registered[p.registered]))
            .collect(),
        pairs,
    };
    let (map, inliers) = matched.most_alike()?;
    let independent = matched.independent(&inliers);
    Some(Fit {
        pairs: matched.pairs.len(),
        independent,
        is_crowded: independent >= LEAST_POINTS && is_crowded(registered),
        map: matched.refined(map, inliers),
    })
}

/// Pairs, and where they lie in either picture.
struct Matched {
    pairs: Vec<Pair>,
    sought: Vec<Place>,
    registered: Vec<Place>,
}

impl Matched {
    /// The best similarity that two pairs fix, and the pairs that fit it.
    fn most_alike(&self) -> Option<(Affine, Vec<usize>)> {
        let mut best: Option<(Affine, Vec<usize>)> = None;
        let mut inliers = Vec::new();
        for i in 0..self.pairs.len() {
            for j in i + 1..self.pairs.len() {
                let Some((map, scale)) = self.similarity(i, j) else {
                    continue;
                };
                self.fitting(&map, scale, &mut inliers);
                if best
                    .as_ref()
                    .is_none_or(|(_, held)| inliers.len() > held.len())
                {
                    best = Some((map, inliers.clone()));
                }
            }
        }
        best
    }

    /// What two pairs say: a map, and its scale in 1/32 octave.
    fn similarity(&self, i: usize, j: usize) -> Option<(Affine, f64)> {
        let (a, b) = (self.pairs[i], self.pairs[j]);
        if a.sought == b.sought || a.registered == b.registered {
            return None;
        }
        let (q, p) = (
            [self.sought[i], self.sought[j]],
            [self.registered[i], self.registered[j]],
        );
        let (qx, qy) = (q[1].x - q[0].x, q[1].y - q[0].y);
        let (px, py) = (p[1].x - p[0].x, p[1].y - p[0].y);
        let (qq, pp) = (qx * qx + qy * qy, px * px + py * py);
        if qq < APART * APART || pp < APART * APART {
            return None;
        }
        let (along, across) = ((px * qx + py * qy) / qq, (py * qx - px * qy) / qq);
        if along <= 0.0 || across * across > TURN * TURN * along * along {
            return None;
        }
        let scale = half_log(pp / qq);
        let agrees = |k: usize| (p[k].scale - q[k].scale - scale).abs() <= SCALE_TOLERANCE;
        if !agrees(0) || !agrees(1) {
            return None;
        }
        let map = Affine {
            rows: [
                [along, -across, p[0].x - (along * q[0].x - across * q[0].y)],
                [across, along, p[0].y - (across * q[0].x + along * q[0].y)],
            ],
        };
        Some((map, scale))
    }

    /// The pairs that fit a map, each point once, those most alike first.
    fn fitting(&self, map: &Affine, scale: f64, inliers: &mut Vec<usize>) {
        inliers.clear();
        // Positions are below 300 and 200.
        let (mut sought, mut registered) = ([0_u64; 5], [0_u64; 4]);
        for (k, pair) in self.pairs.iter().enumerate() {
            let (q, p) = (&self.sought[k], &self.registered[k]);
            let (x, y) = map.apply(q.x, q.y);
            let (dx, dy) = (x - p.x, y - p.y);
            let tolerance = p.tolerance();
            if dx * dx + dy * dy > tolerance * tolerance
                || (p.scale - q.scale - scale).abs() > SCALE_TOLERANCE
            {
                continue;
            }
            let (of_sought, of_registered) = (
                &mut sought[pair.sought / 64],
                &mut registered[pair.registered / 64],
            );
            let bits = (1 << (pair.sought % 64), 1 << (pair.registered % 64));
            if *of_sought & bits.0 != 0 || *of_registered & bits.1 != 0 {
                continue;
            }
            *of_sought |= bits.0;
            *of_registered |= bits.1;
            inliers.push(k);
        }
    }

    /// How many of the pairs see something of their own: concentric points, and the rings of one blob, are one observation.
    fn independent(&self, inliers: &[usize]) -> usize {
        let mut kept: Vec<Place> = Vec::new();
        for place in inliers.iter().map(|k| self.registered[*k]) {
            let is_apart = kept.iter().all(|held| {
                let reach = OVERLAP * held.sigma.min(place.sigma);
                held.distance2(&place) >= reach * reach
            });
            if is_apart {
                kept.push(place);
            }
        }
        kept.len()
    }

    /// The affine map by least squares that all pairs agree on, as far as it does not run away from the similarity.
    fn refined(&self, mut map: Affine, mut inliers: Vec<usize>) -> Affine {
        let mut again = Vec::new();
        for _ in 0..REFINEMENTS {
            let Some(next) = self.least_squares(&map, &inliers) else {
                break;
            };
            let [[a, b, _], [d, e, _]] = next.rows;
            let determinant = a * e - b * d;
            let squares = a * a + b * b + d * d + e * e;
            // The ratio of the stretches stays below about 2.9.
            if determinant <= 0.0 || squares > 3.2 * determinant {
                break;
            }
            self.fitting(&next, half_log(determinant), &mut again);
            if again.len() < inliers.len() {
                break;
            }
            let is_settled = again.len() == inliers.len();
            map = next;
            std::mem::swap(&mut inliers, &mut again);
            if is_settled {
                break;
            }
        }
        map
    }

    fn least_squares(&self, map: &Affine, inliers: &[usize]) -> Option<Affine> {
        let mut normal = [[0.0; 3]; 3];
        let mut sides = [[0.0; 3]; 2];
        for &k in inliers {
            let (q, p) = (&self.sought[k], &self.registered[k]);
            let row = [q.x, q.y, 1.0];
            for i in 0..3 {
                for j in 0..3 {
                    normal[i][j] += row[i] * row[j];
                }
                sides[0][i] += row[i] * p.x;
                sides[1][i] += row[i] * p.y;
            }
        }
        for i in 0..2 {
            normal[i][i] += STIFFNESS;
            sides[0][i] += STIFFNESS * map.rows[0][i];
            sides[1][i] += STIFFNESS * map.rows[1][i];
        }
        let [x, y] = sides.map(|side| solved(normal, side));
        Some(Affine { rows: [x?, y?] })
    }
}

/// Solves three equations by elimination; `None` where they say too little.
fn solved(mut matrix: [[f64; 3]; 3], mut side: [f64; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let largest = (column..3).fold(column, |held, row| {
            if matrix[row][column].abs() > matrix[held][column].abs() {
                row
            } else {
                held
            }
        });
        if matrix[largest][column].abs() < 1e-6 {
            return None;
        }
        matrix.swap(column, largest);
        side.swap(column, largest);
        let (pivot, of_side) = (matrix[column], side[column]);
        for row in (0..3).filter(|row| *row != column) {
            let factor = matrix[row][column] / pivot[column];
            let values = matrix[row].iter_mut().zip(pivot).skip(column);
            values.for_each(|(value, other)| *value -= factor * other);
            side[row] -= factor * of_side;
        }
    }
    Some(std::array::from_fn(|k| side[k] / matrix[k][k]))
}

/// Whether a point at the place of one of these points is near enough to another of them more often than [`CHANCE`] says.
fn is_crowded(registered: &[Point]) -> bool {
    let places: Vec<Place> = registered.iter().map(Place::of).collect();
    let near = |(i, place): (usize, &Place)| {
        let tolerance = place.tolerance();
        let is_near = |(j, other): &(usize, &Place)| {
            i != *j
                && place.distance2(other) <= tolerance * tolerance
                && (place.scale - other.scale).abs() <= SCALE_TOLERANCE
        };
        places.iter().enumerate().filter(is_near).count()
    };
    let near: usize = places.iter().enumerate().map(near).sum();
    let all = places.len() * places.len().saturating_sub(1);
    near as f64 > CHANCE * all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(seed: u64, count: usize) -> Vec<Point> {
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        };
        (0..count)
            .map(|_| Point {
                x: (random() % 4096) as u16,
                y: (random() % 3072) as u16,
                scale: 30 + (random() % 60) as u8,
                bits: std::array::from_fn(|_| random()),
            })
            .collect()
    }

    #[test]
    fn a_part_is_found_at_its_place_and_an_unrelated_picture_is_not() {
        let registered = points(1, 200);
        // The middle, at twice the size.
        let sought: Vec<Point> = registered
            .iter()
            .filter(|p| (1000..3000).contains(&p.x) && (500..2500).contains(&p.y))
            .map(|p| Point {
                x: 2 * (p.x - 1000),
                y: 2 * (p.y - 500),
                scale: p.scale + 32,
                bits: p.bits,
            })
            .collect();
        let fit = fitted(&sought, &registered).unwrap();
        assert!(fit.independent > 40, "{fit:?}");
        let (x, y) = fit.map.apply(100.0, 200.0);
        assert!((x - (125.0 + 50.0)).abs() < 0.5 && (y - (62.5 + 100.0)).abs() < 0.5);
        assert!(fitted(&points(2, 300), &registered).is_none());
    }

    #[test]
    fn halvings_are_logarithms() {
        for k in -400..400 {
            let ratio = 1.037_f64.powi(k);
            let exact = 16.0 * ratio.log2();
            assert!((half_log(ratio) - exact).abs() <= 0.251, "{ratio}");
        }
        assert!((power(64.0) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn equations_are_solved() {
        let matrix = [[2.0, 1.0, -1.0], [-3.0, -1.0, 2.0], [-2.0, 1.0, 2.0]];
        let found = solved(matrix, [8.0, -11.0, -3.0]).unwrap();
        for (found, expected) in found.iter().zip([2.0, 3.0, -1.0]) {
            assert!((found - expected).abs() < 1e-9);
        }
        assert!(solved([[1.0, 2.0, 3.0]; 3], [1.0; 3]).is_none());
    }
}

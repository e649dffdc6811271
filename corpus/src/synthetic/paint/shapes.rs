//! Outlines: pure functions from a few numbers to points.

use super::exact::cos_sin;
use super::polygon::Point;
use crate::draws::Draws;

/// An ellipse with a turned axis (in turns), as `n` points.
pub(crate) fn ellipse(x: f32, y: f32, rx: f32, ry: f32, turn: f32, n: usize) -> Vec<Point> {
    let (c, s) = cos_sin(turn);
    (0..n)
        .map(|i| {
            let (a, b) = cos_sin(i as f32 / n as f32);
            let (px, py) = (rx * a, ry * b);
            (x + px * c - py * s, y + px * s + py * c)
        })
        .collect()
}

/// An ellipse whose radius wanders by up to `rough` of itself over several frequencies.
pub(crate) fn blob(
    draws: &mut Draws,
    centre: Point,
    rx: f32,
    ry: f32,
    rough: f32,
    n: usize,
) -> Vec<Point> {
    let mut waves = [(0.0f32, 0.0f32, 0.0f32); 6];
    for (k, wave) in waves.iter_mut().enumerate() {
        let frequency = (2 + k + draws.below(1 + k)) as f32;
        *wave = (
            frequency,
            draws.unit(),
            rough / (1.0 + 0.5 * k as f32) * draws.signed(),
        );
    }
    let turn = draws.unit();
    (0..n)
        .map(|i| {
            let t = i as f32 / n as f32;
            let swell: f32 = waves
                .iter()
                .map(|&(f, phase, a)| a * cos_sin(f * t + phase).0)
                .sum();
            let r = (1.0 + swell + 0.25 * rough * draws.signed()).max(0.2);
            let (a, b) = cos_sin(t + turn);
            (centre.0 + rx * r * a, centre.1 + ry * r * b)
        })
        .collect()
}

/// A rectangle with rounded corners of radius `r`, turned about its centre.
pub(crate) fn rounded(x: f32, y: f32, w: f32, h: f32, r: f32, turn: f32) -> Vec<Point> {
    let r = r.min(0.5 * w).min(0.5 * h).max(0.0);
    let (c, s) = cos_sin(turn);
    let mut out = Vec::with_capacity(24);
    for (corner, (sx, sy)) in [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)]
        .into_iter()
        .enumerate()
    {
        for k in 0..6 {
            let (a, b) = cos_sin((corner as f32 + k as f32 / 5.0) * 0.25);
            let px = sx * (0.5 * w - r) + r * a;
            let py = sy * (0.5 * h - r) + r * b;
            out.push((x + px * c - py * s, y + px * s + py * c));
        }
    }
    out
}

/// A regular polygon, or a star where `inner` is below 1.
pub(crate) fn star(x: f32, y: f32, r: f32, corners: usize, inner: f32, turn: f32) -> Vec<Point> {
    let n = if inner < 1.0 { 2 * corners } else { corners };
    (0..n)
        .map(|i| {
            let (c, s) = cos_sin(turn + i as f32 / n as f32);
            let r = if inner < 1.0 && i % 2 == 1 {
                r * inner
            } else {
                r
            };
            (x + r * c, y + r * s)
        })
        .collect()
}

/// A thick line through points, its width going from `w0` to `w1`.
pub(crate) fn stroke(path: &[Point], w0: f32, w1: f32) -> Vec<Point> {
    let n = path.len();
    if n < 2 {
        return Vec::new();
    }
    let mut left = Vec::with_capacity(2 * n);
    let mut right = Vec::with_capacity(n);
    for (i, &(x, y)) in path.iter().enumerate() {
        let (ax, ay) = path[i.saturating_sub(1)];
        let (bx, by) = path[(i + 1).min(n - 1)];
        let (dx, dy) = (bx - ax, by - ay);
        let half = 0.5 * (w0 + (w1 - w0) * i as f32 / (n - 1) as f32)
            / (dx * dx + dy * dy).sqrt().max(1e-6);
        left.push((x - dy * half, y + dx * half));
        right.push((x + dy * half, y - dx * half));
    }
    left.extend(right.into_iter().rev());
    left
}

/// A wandering path from a point, heading in `turn` (turns), bending by up to `bend` turns a step.
pub(crate) fn wander(
    draws: &mut Draws,
    from: Point,
    turn: f32,
    step: f32,
    steps: usize,
    bend: f32,
) -> Vec<Point> {
    let mut path = vec![from];
    let (mut x, mut y) = from;
    let (mut turn, mut curl) = (turn, 0.0);
    for _ in 0..steps {
        curl = 0.7 * curl + bend * draws.signed();
        turn += curl;
        let (c, s) = cos_sin(turn);
        x += step * c;
        y += step * s;
        path.push((x, y));
    }
    path
}

/// A leaf: two arcs from stalk to tip.
pub(crate) fn leaf(x: f32, y: f32, length: f32, width: f32, turn: f32) -> Vec<Point> {
    let (c, s) = cos_sin(turn);
    let place = |t: f32, side: f32| {
        // Widest before the middle, pointed at the tip.
        let half = side * width * 2.4 * t * (1.0 - t) * (1.0 - 0.45 * t);
        let along = length * (t - 0.5);
        (x + along * c - half * s, y + along * s + half * c)
    };
    let up = (0..=8).map(|i| place(i as f32 / 8.0, 1.0));
    let down = (1..8).rev().map(|i| place(i as f32 / 8.0, -1.0));
    up.chain(down).collect()
}

/// Heights of a fractal skyline at `n + 1` even places (n a power of two), about 0 with range near ±1;
/// `rough` is the gain per octave, 0.5 for smooth hills, 0.75 for crags.
pub(crate) fn skyline(draws: &mut Draws, n: usize, rough: f32) -> Vec<f32> {
    let mut heights = vec![0.0f32; n + 1];
    heights[0] = draws.signed();
    heights[n] = draws.signed();
    let mut step = n;
    let mut amplitude = 0.7;
    while step > 1 {
        let half = step / 2;
        let mut i = half;
        while i < n {
            heights[i] = 0.5 * (heights[i - half] + heights[i + half]) + amplitude * draws.signed();
            i += step;
        }
        amplitude *= rough;
        step = half;
    }
    heights
}

/// The land under a skyline: x across the canvas, heights times `amplitude` above `base`, down to `bottom`.
pub(crate) fn land(
    heights: &[f32],
    width: f32,
    base: f32,
    amplitude: f32,
    bottom: f32,
) -> Vec<Point> {
    let step = (width + 8.0) / (heights.len() - 1) as f32;
    let mut out: Vec<Point> = heights
        .iter()
        .enumerate()
        .map(|(i, h)| (i as f32 * step - 4.0, base - amplitude * h))
        .collect();
    out.push((width + 4.0, bottom));
    out.push((-4.0, bottom));
    out
}

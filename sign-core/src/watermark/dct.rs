//! The low corner of the orthonormal 8×8 DCT-II: frequencies 0 to 4 along each axis.

use super::layout::{BLOCK, CHIPS, COEFFICIENTS, FREQUENCIES};

/// cos(kπ/16) for k = 0 to 8.
const COSINES: [f32; 9] = [
    1.0,
    0.980_785_25,
    0.923_879_5,
    0.831_469_6,
    0.707_106_77,
    0.555_570_24,
    0.382_683_43,
    0.195_090_32,
    0.0,
];

/// `BASIS[u][x]` = a(u)·cos((2x+1)uπ/16), with a(0) = √⅛ and a(u) = ½ else.
const BASIS: [[f32; BLOCK]; FREQUENCIES] = basis();

const fn basis() -> [[f32; BLOCK]; FREQUENCIES] {
    let mut basis = [[0.0; BLOCK]; FREQUENCIES];
    let mut u = 0;
    while u < FREQUENCIES {
        let mut x = 0;
        while x < BLOCK {
            let turn = (2 * x + 1) * u % 32;
            let half = if turn > 16 { 32 - turn } else { turn };
            let cosine = if half > 8 {
                -COSINES[16 - half]
            } else {
                COSINES[half]
            };
            basis[u][x] = if u == 0 { 0.353_553_4 } else { 0.5 } * cosine;
            x += 1;
        }
        u += 1;
    }
    basis
}

/// `TURNED[x][u]` = `BASIS[u][x]`, filled up with zeros: a whole vector for each pixel.
const TURNED: [[f32; BLOCK]; BLOCK] = {
    let mut turned = [[0.0; BLOCK]; BLOCK];
    let mut u = 0;
    while u < FREQUENCIES {
        let mut x = 0;
        while x < BLOCK {
            turned[x][u] = BASIS[u][x];
            x += 1;
        }
        u += 1;
    }
    turned
};

/// The 19 coefficients of a block whose rows start every `stride` values of `pixels`.
#[inline(always)]
pub(super) fn forward(pixels: &[f32], stride: usize) -> [f32; CHIPS] {
    let mut columns = [[0.0_f32; BLOCK]; FREQUENCIES];
    for y in 0..BLOCK {
        // A whole vector, whatever the stride.
        let row: [f32; BLOCK] = *pixels[y * stride..].first_chunk().unwrap_or(&[0.0; BLOCK]);
        for (column, basis) in columns.iter_mut().zip(&BASIS) {
            for (sum, pixel) in column.iter_mut().zip(row) {
                *sum += basis[y] * pixel;
            }
        }
    }
    let mut square = [[0.0_f32; BLOCK]; FREQUENCIES];
    for (out, column) in square.iter_mut().zip(&columns) {
        for (value, basis) in column.iter().zip(&TURNED) {
            for (out, basis) in out.iter_mut().zip(basis) {
                *out += value * basis;
            }
        }
    }
    COEFFICIENTS.map(|(u, v)| square[u][v])
}

/// The block that has these 19 coefficients and no others, row by row.
#[inline(always)]
pub(super) fn inverse(coefficients: &[f32; CHIPS]) -> [[f32; BLOCK]; BLOCK] {
    let mut rows = [[0.0_f32; BLOCK]; FREQUENCIES];
    for (&(u, v), &value) in COEFFICIENTS.iter().zip(coefficients) {
        for (out, basis) in rows[u].iter_mut().zip(&BASIS[v]) {
            *out += value * basis;
        }
    }
    let mut block = [[0.0_f32; BLOCK]; BLOCK];
    for (y, out) in block.iter_mut().enumerate() {
        for (row, basis) in rows.iter().zip(&BASIS) {
            for (out, value) in out.iter_mut().zip(row) {
                *out += basis[y] * value;
            }
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_cosine_transform_by_its_formula() {
        let pixels: Vec<f32> = (0..64)
            .map(|k| ((k * 7919 + k * k * 31) % 251) as f32)
            .collect();
        let fast = forward(&pixels, 8);
        for (&(u, v), fast) in COEFFICIENTS.iter().zip(fast) {
            let a = |k: usize| if k == 0 { 0.125_f64.sqrt() } else { 0.5 };
            let mut sum = 0.0;
            for y in 0..8 {
                for x in 0..8 {
                    let turn =
                        |x: usize, v: usize| ((2 * x + 1) * v) as f64 * std::f64::consts::PI / 16.0;
                    sum += a(u)
                        * a(v)
                        * f64::from(pixels[8 * y + x])
                        * turn(x, v).cos()
                        * turn(y, u).cos();
                }
            }
            assert!(
                (f64::from(fast) - sum).abs() < 1e-3,
                "({u}, {v}): {fast} and {sum}"
            );
        }
    }

    #[test]
    fn the_inverse_has_the_coefficients_it_was_given() {
        let given: [f32; CHIPS] = std::array::from_fn(|k| k as f32 * 3.0 - 20.0);
        let block = inverse(&given).concat();
        for (given, found) in given.iter().zip(forward(&block, 8)) {
            assert!((given - found).abs() < 1e-4);
        }
        let energy = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>();
        assert!((energy(&block) / energy(&given) - 1.0).abs() < 1e-5);
    }
}

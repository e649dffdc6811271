//! Elementary functions from arithmetic alone, so that every machine gives the same bits.

/// `(cos, sin)` of an angle in turns (1.0 is a full circle); absolute error below 2e-5.
///
/// Taylor polynomials on an eighth turn, with quadrant symmetry.
pub(crate) fn cos_sin(turns: f32) -> (f32, f32) {
    let t = turns - turns.floor();
    let quadrant = (t * 4.0 + 0.5).floor();
    let x = (t - quadrant * 0.25) * core::f32::consts::TAU;
    let x2 = x * x;
    let s = x * (1.0 - x2 / 6.0 * (1.0 - x2 / 20.0 * (1.0 - x2 / 42.0)));
    let c = 1.0 - x2 / 2.0 * (1.0 - x2 / 12.0 * (1.0 - x2 / 30.0));
    match quadrant as i32 & 3 {
        0 => (c, s),
        1 => (-s, c),
        2 => (-c, -s),
        _ => (s, -c),
    }
}

/// `2^x` for x within ±60; relative error below 1e-7 in `f64`.
pub(crate) fn exp2(x: f64) -> f64 {
    let whole = x.floor();
    let y = (x - whole) * core::f64::consts::LN_2;
    // Horner form of the exponential series; y < 0.7, so twelve terms leave an error below 1e-10.
    let mut sum = 1.0;
    for n in (1..=12).rev() {
        sum = 1.0 + sum * y / f64::from(n);
    }
    let mut k = whole as i32;
    while k > 0 {
        sum *= 2.0;
        k -= 1;
    }
    while k < 0 {
        sum *= 0.5;
        k += 1;
    }
    sum
}

/// 0 below `low`, 1 above `high`, with a smooth cubic between.
pub(crate) fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// `a` at t = 0, `b` at t = 1.
pub(crate) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circle_functions_agree_with_the_maths_library() {
        for i in -400..400 {
            let t = i as f32 / 100.0;
            let (c, s) = cos_sin(t);
            let angle = t * core::f32::consts::TAU;
            assert!(
                (c - angle.cos()).abs() < 3e-5 && (s - angle.sin()).abs() < 3e-5,
                "{t}"
            );
        }
    }

    #[test]
    fn powers_of_two_agree_with_the_maths_library() {
        for i in -300..300 {
            let x = f64::from(i) / 10.0;
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 1e-7, "{x}");
        }
    }
}

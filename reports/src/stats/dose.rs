//! How much of something a proof bears: survival along a sweep, and the dose at which it crosses a share.
//!
//! Survival is taken to be monotone in the dose, and nothing else: the fit is the isotonic regression (pool adjacent
//! violators), interpolated in a straight line between the doses that were measured. No dose outside them is guessed.
//!
//! Source: R. E. Barlow, D. J. Bartholomew, J. M. Bremner, H. D. Brunk, "Statistical inference under order
//! restrictions" (1972).

/// Where a rising fit reaches a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Crossing {
    /// At this dose.
    At(f64),
    /// It has the share at the first dose already.
    Before,
    /// It does not reach the share at the last dose.
    Beyond,
}

/// The non-decreasing sequence nearest to `values` in weighted squares. Values without weight take the fit of their
/// neighbours; without any weight the result is all NaN.
pub fn isotonic(values: &[f64], weights: &[f64]) -> Vec<f64> {
    // Blocks of (weighted mean, weight, length).
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(values.len());
    let mut leading = 0;
    for (value, weight) in values.iter().zip(weights) {
        if *weight <= 0.0 {
            match blocks.last_mut() {
                Some(block) => block.2 += 1,
                None => leading += 1,
            }
            continue;
        }
        blocks.push((*value, *weight, 1 + std::mem::take(&mut leading)));
        while let [.., (mean, weight, length), last] = &mut blocks[..]
            && *mean >= last.0
        {
            *mean = (*mean * *weight + last.0 * last.1) / (*weight + last.1);
            *weight += last.1;
            *length += last.2;
            blocks.pop();
        }
    }
    let fit = blocks
        .into_iter()
        .flat_map(|(mean, _, length)| std::iter::repeat_n(mean, length));
    fit.chain(std::iter::repeat_n(f64::NAN, leading)).collect()
}

/// Where the non-decreasing `fit` over ascending `doses` first reaches `share`.
pub fn crossing(doses: &[f64], fit: &[f64], share: f64) -> Crossing {
    let Some(index) = fit.iter().position(|value| *value >= share) else {
        return Crossing::Beyond;
    };
    let Some(before) = index.checked_sub(1) else {
        return Crossing::Before;
    };
    let part = (share - fit[before]) / (fit[index] - fit[before]);
    Crossing::At(doses[before] + part * (doses[index] - doses[before]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_lie_between_their_doses_or_outside_all() {
        let doses = [10.0, 20.0, 40.0];
        let fit = [0.2, 0.6, 0.9];
        assert_eq!(crossing(&doses, &fit, 0.4), Crossing::At(15.0));
        assert_eq!(crossing(&doses, &fit, 0.6), Crossing::At(20.0));
        assert_eq!(crossing(&doses, &fit, 0.2), Crossing::Before);
        assert_eq!(crossing(&doses, &fit, 0.95), Crossing::Beyond);
        assert_eq!(crossing(&[], &[], 0.5), Crossing::Beyond);
    }

    #[test]
    fn doses_without_trials_take_no_part() {
        assert_eq!(
            isotonic(&[9.0, 1.0, 9.0, 3.0], &[0.0, 2.0, 0.0, 1.0]),
            [1.0, 1.0, 1.0, 3.0]
        );
        assert!(isotonic(&[1.0], &[0.0])[0].is_nan());
    }
}

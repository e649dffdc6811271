//! Every statistic against SciPy, statsmodels and lifelines on one table of cases
//! (`tests/reference/statistics.json`, made by the script beside it, which names the versions).

use serde_json::Value as Json;

use super::*;

const CLOSE: f64 = 1e-9;

fn cases(name: &str) -> Vec<Vec<Json>> {
    let table: Json =
        serde_json::from_str(include_str!("../../tests/reference/statistics.json")).unwrap();
    let cases = table[name]
        .as_array()
        .unwrap_or_else(|| panic!("no cases of {name}"));
    assert!(!cases.is_empty());
    cases
        .iter()
        .map(|case| case.as_array().unwrap().clone())
        .collect()
}

fn real(json: &Json) -> f64 {
    json.as_f64().unwrap()
}

fn whole(json: &Json) -> u64 {
    json.as_u64().unwrap()
}

fn reals(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(real).collect()
}

fn near(ours: f64, theirs: f64, case: &dyn std::fmt::Debug) {
    assert!(
        (ours - theirs).abs() < CLOSE,
        "{ours} instead of {theirs} for {case:?}"
    );
}

#[test]
fn the_normal_distribution_agrees() {
    for case in cases("normal_quantile") {
        let (ours, theirs) = (normal_quantile(real(&case[0])), real(&case[1]));
        assert!((ours - theirs).abs() < CLOSE, "{ours} {theirs} {case:?}");
    }
    for case in cases("normal_cdf") {
        let (ours, theirs) = (normal_cdf(real(&case[0])), real(&case[1]));
        assert!(
            (ours - theirs).abs() <= CLOSE * theirs,
            "{ours} {theirs} {case:?}"
        );
    }
    assert!(normal_quantile(1.5).is_nan() && normal_quantile(0.0).is_infinite());
}

#[test]
fn intervals_of_a_proportion_agree() {
    for case in cases("wilson") {
        let ours = wilson(whole(&case[0]), whole(&case[1])).unwrap();
        near(ours.low, real(&case[2]), &case);
        near(ours.high, real(&case[3]), &case);
    }
    for case in cases("clopper_pearson") {
        let rate = Rate {
            k: whole(&case[0]),
            n: whole(&case[1]),
        };
        let ours = clopper_pearson(rate.k, rate.n).unwrap();
        let ours = [
            ours.low,
            ours.high,
            lower_bound(rate).unwrap(),
            upper_bound(rate).unwrap(),
        ];
        for (ours, theirs) in ours.into_iter().zip(&case[2..]) {
            near(ours, real(theirs), &case);
            // Small rates to nine figures, too, not only to nine decimals.
            assert!(
                (ours - real(theirs)).abs() <= CLOSE * real(theirs),
                "{ours} {case:?}"
            );
        }
    }
}

#[test]
fn tests_of_two_proportions_agree() {
    for case in cases("mcnemar") {
        near(
            mcnemar(whole(&case[0]), whole(&case[1])),
            real(&case[2]),
            &case,
        );
    }
    let rate = |k: &Json, n: &Json| Rate {
        k: whole(k),
        n: whole(n),
    };
    for case in cases("fisher") {
        let p = fisher_exact(rate(&case[0], &case[1]), rate(&case[2], &case[3]));
        near(p, real(&case[4]), &case);
    }
    for case in cases("newcombe") {
        let arm = |rate: Rate| Arm {
            value: rate.value().unwrap(),
            interval: wilson(rate.k, rate.n).unwrap(),
        };
        let ours = square_and_add(arm(rate(&case[0], &case[1])), arm(rate(&case[2], &case[3])));
        near(ours.low, real(&case[4]), &case);
        near(ours.high, real(&case[5]), &case);
    }
    for case in cases("holm") {
        for (ours, theirs) in holm(&reals(&case[0])).into_iter().zip(reals(&case[1])) {
            near(ours, theirs, &case);
        }
    }
}

#[test]
fn equivalence_agrees() {
    let z = normal_quantile(0.95);
    for case in cases("tost") {
        let arm = |k: &Json, n: &Json| Arm {
            value: real(k) / real(n),
            interval: wilson_at(whole(k), whole(n), z).unwrap(),
        };
        let (first, second) = (arm(&case[0], &case[1]), arm(&case[2], &case[3]));
        let (verdict, interval) = tost(first, second, real(&case[4]));
        near(interval.low, real(&case[5]), &case);
        near(interval.high, real(&case[6]), &case);
        assert_eq!(verdict.as_str(), case[7], "{case:?}");
    }
}

#[test]
fn isotonic_regression_agrees() {
    for case in cases("isotonic") {
        let fit = isotonic(&reals(&case[0]), &reals(&case[1]));
        assert_eq!(fit.len(), reals(&case[2]).len());
        for (ours, theirs) in fit.into_iter().zip(reals(&case[2])) {
            near(ours, theirs, &case);
        }
    }
}

#[test]
fn kaplan_meier_agrees() {
    for case in cases("kaplan_meier") {
        let lost = case[1]
            .as_array()
            .unwrap()
            .iter()
            .map(|lost| lost.as_bool().unwrap());
        let lives: Vec<Lifetime> = reals(&case[0])
            .into_iter()
            .zip(lost)
            .zip(0..)
            .map(|((time, lost), source)| Lifetime { time, lost, source })
            .collect();
        let curve = kaplan_meier(&lives);
        let mut compared = 0;
        for theirs in case[2].as_array().unwrap().iter().map(reals) {
            // SciPy lists times of censoring, too, where the curve stays.
            let Some(step) = curve.steps.iter().rev().find(|step| step.time <= theirs[0]) else {
                continue;
            };
            near(step.survival, theirs[1], &theirs);
            assert!(step.band.low <= theirs[1] && theirs[1] <= step.band.high);
            compared += 1;
        }
        assert!(compared > 1);
        assert_eq!(curve.median, case[3].as_f64());
    }
}

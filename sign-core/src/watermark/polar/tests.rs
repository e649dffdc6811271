use super::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A roughly normal deviate: twelve uniform ones.
fn normal(random: &mut impl RngCore) -> f32 {
    (0..12)
        .map(|_| random.next_u32() as f32 / 4_294_967_296.0)
        .sum::<f32>()
        - 6.0
}

fn word(random: &mut impl RngCore) -> u128 {
    (u128::from(random.next_u64()) << 64 | u128::from(random.next_u64())) >> (128 - INFORMATION)
}

/// The generator matrix, entry by entry: coded bit j holds u_i where the binary digits of j are within i's.
fn reference_encoded(word: u128) -> Vec<f32> {
    (0..CODED)
        .map(|j| {
            let ones = POSITIONS.iter().enumerate().filter(|&(k, &position)| {
                word >> (INFORMATION - 1 - k) & 1 == 1 && usize::from(position) & j == j
            });
            if ones.count() % 2 == 1 { -1.0 } else { 1.0 }
        })
        .collect()
}

/// Successive cancellation that recomputes every likelihood ratio from the channel: slow and plain.
fn ratio(soft: &[f32], decided: &[bool]) -> f32 {
    if soft.len() == 1 {
        return soft[0];
    }
    let half = soft.len() / 2;
    let (a, b) = soft.split_at(half);
    if decided.len() < half {
        let left: Vec<f32> = (0..half)
            .map(|i| a[i].signum() * b[i].signum() * a[i].abs().min(b[i].abs()))
            .collect();
        return ratio(&left, decided);
    }
    let mut sums: Vec<bool> = decided[..half].to_vec();
    let mut step = 1;
    while step < half {
        for block in sums.chunks_exact_mut(2 * step) {
            for j in 0..step {
                block[j] ^= block[j + step];
            }
        }
        step *= 2;
    }
    let right: Vec<f32> = (0..half)
        .map(|i| if sums[i] { b[i] - a[i] } else { b[i] + a[i] })
        .collect();
    ratio(&right, &decided[half..])
}

fn reference_decoded(soft: &[f32], list: usize) -> Vec<Path> {
    let mut paths: Vec<(f32, Vec<bool>)> = vec![(0.0, Vec::new())];
    for leaf in 0..CODED {
        let mut next = Vec::new();
        for (metric, decided) in &paths {
            let ratio = ratio(soft, decided);
            for bit in [false, true] {
                if bit && POSITIONS.binary_search(&(leaf as u16)).is_err() {
                    continue;
                }
                let cost = if bit {
                    ratio.max(0.0)
                } else {
                    (-ratio).max(0.0)
                };
                let mut longer = decided.clone();
                longer.push(bit);
                next.push((metric + cost, longer));
            }
        }
        next.sort_by(|a, b| a.0.total_cmp(&b.0));
        next.truncate(list);
        paths = next;
    }
    paths
        .into_iter()
        .map(|(metric, decided)| Path {
            word: POSITIONS.iter().fold(0, |word, &p| {
                word << 1 | u128::from(decided[usize::from(p)])
            }),
            metric,
        })
        .collect()
}

#[test]
fn encoding_is_the_generator_matrix() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..20 {
        let word = word(&mut random);
        assert_eq!(encoded(word), reference_encoded(word));
    }
}

#[test]
fn the_fast_decoder_finds_the_list_of_the_slow_one() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for list in [1, 2, 8] {
        for noise in [0.5, 2.0] {
            let code = encoded(word(&mut random));
            // Integers make every sum exact, so the two may be compared to the last bit.
            let soft: Vec<f32> = code
                .iter()
                .map(|c| (100.0 * (c + noise * normal(&mut random))).round())
                .collect();
            let (fast, slow) = (decoded(&soft, list), reference_decoded(&soft, list));
            let metrics = |paths: &[Path]| paths.iter().map(|path| path.metric).collect::<Vec<_>>();
            assert_eq!(metrics(&fast), metrics(&slow), "list {list}, noise {noise}");
            assert_eq!(fast[0].word, slow[0].word);
        }
    }
}

#[test]
fn a_codeword_decodes_to_itself_at_any_scale() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for scale in [1e-6, 1.0, 1e6] {
        let word = word(&mut random);
        let soft: Vec<f32> = encoded(word).iter().map(|c| c * scale).collect();
        let best = decoded(&soft, 16)[0];
        assert_eq!((best.word, best.metric), (word, 0.0));
    }
}

/// Deflection √512·mean/std of 15 is well inside the code's reach, 9 well outside.
#[test]
fn the_code_works_at_its_noise_level_and_not_far_beyond() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut right = |deflection: f32| {
        (0..20)
            .filter(|_| {
                let word = word(&mut random);
                let noise = 512_f32.sqrt() / deflection;
                let soft: Vec<f32> = encoded(word)
                    .iter()
                    .map(|c| c + noise * normal(&mut random))
                    .collect();
                decoded(&soft, 16).iter().any(|path| path.word == word)
            })
            .count()
    };
    assert!(right(15.0) >= 19);
    assert!(right(7.0) <= 5);
}

#[test]
fn nothing_but_zeros_still_gives_a_full_list() {
    assert_eq!(decoded(&[0.0; CODED], 16).len(), 16);
}

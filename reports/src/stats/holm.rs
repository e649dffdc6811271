//! Many tests at once: p-values such that the chance of any false alarm stays below the level.
//!
//! With `m` p-values in ascending order the i-th becomes `max over j ≤ i of (m − j + 1) · p_j`, at most 1.
//!
//! Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
//! 6 (1979) 65–70. It needs no independence between the tests.

/// The adjusted p-values, in the order given.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest
            .max((p_values.len() - rank) as f64 * p_values[index])
            .min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

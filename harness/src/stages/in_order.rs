//! Puts results that threads finish in any order back into the order of the plan.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Hands items to a sink in the order of their numbers. Items ahead of their turn wait; since workers take their
/// work in order, few ever do.
pub(super) struct InOrder<T, S> {
    state: Mutex<State<T, S>>,
}

struct State<T, S> {
    next: usize,
    waiting: BTreeMap<usize, T>,
    sink: S,
}

impl<T, E, S: FnMut(T) -> Result<(), E>> InOrder<T, S> {
    /// Starts at number 0.
    pub(super) fn new(sink: S) -> Self {
        Self {
            state: Mutex::new(State {
                next: 0,
                waiting: BTreeMap::new(),
                sink,
            }),
        }
    }

    /// Takes the item of this number, and passes on all whose turn has come.
    ///
    /// # Errors
    /// The sink's.
    pub(super) fn put(&self, number: usize, item: T) -> Result<(), E> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        state.waiting.insert(number, item);
        while let Some(item) = state.waiting.remove(&state.next) {
            state.next += 1;
            (state.sink)(item)?;
        }
        Ok(())
    }

    /// Passes on what still waits behind numbers that never came (after an interruption), and drops the sink.
    ///
    /// # Errors
    /// The sink's.
    pub(super) fn finish(self) -> Result<(), E> {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for item in std::mem::take(&mut state.waiting).into_values() {
            (state.sink)(item)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_order_whatever_the_order_they_came_in() {
        let mut seen = Vec::new();
        let order = InOrder::new(|item: usize| {
            seen.push(item);
            Ok::<(), ()>(())
        });
        for number in [3, 0, 2, 1, 4] {
            order.put(number, number).unwrap();
        }
        order.finish().unwrap();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn items_behind_a_gap_are_passed_on_at_the_end() {
        let mut seen = Vec::new();
        let order = InOrder::new(|item: usize| {
            seen.push(item);
            Ok::<(), ()>(())
        });
        order.put(2, 2).unwrap();
        order.put(0, 0).unwrap();
        order.finish().unwrap();
        assert_eq!(seen, [0, 2]);
    }
}

//! The widest vectors that the machine has, for plain loops.

/// Runs a loop compiled for the machine's vector instructions.
///
/// The compiler may neither reorder sums nor join products with them, so the result is that of the plain loop, bit by
/// bit, on any machine. What the loop calls must be inlined into it to gain.
#[inline(always)]
pub(crate) fn wide<R>(run: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(run)
}

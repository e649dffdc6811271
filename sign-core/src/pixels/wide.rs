//! The widest vectors that the machine has, for plain loops.

/// Runs a block compiled for the machine's vector instructions, as `wide!(|plane: &'l Plane, radius: usize| -> Plane { … })`, with
/// the variables of those names; `'l` is any lifetime. A generic parameter is declared first: `wide!(for N in [const N: usize], …)`.
///
/// The compiler may neither reorder sums nor join products with them, so the result is that of the plain loop, bit by bit, on any
/// machine. What the block calls has to be `#[inline(always)]`: what stays a function of its own is compiled for every machine. That
/// is why this is a macro and takes no closure, which becomes such a function as soon as it is long.
macro_rules! wide {
    (
        $(for $parameter:tt in [$($declared:tt)*],)?
        |$($name:ident: $type:ty),* $(,)?| -> $output:ty $body:block
    ) => {{
        struct Loop<'l $(, $($declared)*)?> {
            $($name: $type,)*
            lifetime: std::marker::PhantomData<&'l ()>,
        }
        impl<'l $(, $($declared)*)?> pulp::WithSimd for Loop<'l $(, $parameter)?> {
            type Output = $output;

            #[inline(always)]
            fn with_simd<Vectors: pulp::Simd>(self, _: Vectors) -> $output {
                let Self { $($name,)* .. } = self;
                $body
            }
        }
        let lifetime = std::marker::PhantomData;
        pulp::Arch::new().dispatch(Loop { $($name,)* lifetime })
    }};
}
pub(crate) use wide;

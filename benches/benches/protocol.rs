//! What the protocol of adapters costs a request: a system that does nothing is asked about files of three sizes.
#![cfg_attr(
    unix,
    allow(
        missing_docs,
        clippy::unwrap_used,
        reason = "criterion_group! writes undocumented items; a benchmark stops at the first error"
    )
)]

#[cfg(unix)]
mod unix {
    use std::path::Path;

    use credlink_benches::{decode_pixels, jpeg_file};
    use credlink_harness::systems::System as _;
    use credlink_harness::systems::adapter::{Adapter, Description};
    use credlink_sign_core::{Asset, ProofId};
    use criterion::{BenchmarkId, Criterion, criterion_group};

    fn requests(c: &mut Criterion) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/nothing");
        let description = Description::of_folder(&folder).unwrap().remove(0);
        let mut group = c.benchmark_group("protocol");
        for (width, height) in [(64, 48), (1024, 768), (4000, 3000)] {
            let file = jpeg_file(width, height).unwrap();
            let asset = Asset::new(&file, &decode_pixels);
            let adapter = Adapter::start(description.clone(), 1, 1, None).unwrap();
            let size = format!("{} KB", file.len() / 1000);
            group.bench_function(BenchmarkId::new("sign", &size), |b| {
                b.iter(|| adapter.sign(&asset, ProofId::new(1)).unwrap());
            });
            let sealed = Box::new(adapter).seal().unwrap();
            group.bench_function(BenchmarkId::new("verify", &size), |b| {
                b.iter(|| sealed.verify(&asset, &|| 0).unwrap().verification);
            });
        }
        group.finish();
    }

    criterion_group!(benches, requests);
}

#[cfg(unix)]
criterion::criterion_main!(unix::benches);

/// Adapters are tried by a shell script, which needs a shell.
#[cfg(not(unix))]
fn main() {}

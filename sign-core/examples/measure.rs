#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use std::io::Cursor;
use std::sync::Arc;
use std::time::Instant;
use credlink_sign_core::fingerprint::*;
use credlink_sign_core::keys::*;
use credlink_sign_core::store::*;
use credlink_sign_core::*;
use image::metadata::Orientation;

fn main() {
    let mut worst = 0; let mut n = 0; let mut sum = 0; let mut hist=[0;12];
    for line in std::fs::read_to_string("/tmp/pdq_ref.tsv").unwrap().lines() {
        let f: Vec<&str> = line.split('\t').collect();
        let bytes = std::fs::read(format!("/work/shared/corpus/photos/{}", f[0])).unwrap();
        let Ok(image) = image::load_from_memory(&bytes) else { println!("undecodable {}", f[0]); continue };
        let h = ContentHash::of(&image, Orientation::NoTransforms);
        let d = h.fingerprint().distance(&f[1].parse().unwrap());
        if d > 4 || h.quality().abs_diff(f[2].parse().unwrap()) > 1 { println!("{} {}x{} d={} q={} ref {}", f[0], image.width(), image.height(), d, h.quality(), f[2]); }
        worst = worst.max(d); n += 1; sum += d; hist[(d as usize).min(11)]+=1;
    }
    println!("{n} photos, worst {worst}, mean {} hist {hist:?}", sum as f64 / n as f64);
    for (w, h) in [(768, 512), (1024, 1024), (1536, 1024), (4000, 3000)] {
        let im = image::DynamicImage::from(image::RgbImage::from_fn(w, h, |x, y| image::Rgb([(x*y/7) as u8, (x+y) as u8, (x^y) as u8])));
        let t = Instant::now();
        for _ in 0..10 { std::hint::black_box(ContentHash::of(&im, Orientation::NoTransforms)); }
        let hash = t.elapsed() / 10;
        let c = ContentHash::of(&im, Orientation::NoTransforms);
        let t = Instant::now();
        for _ in 0..100 { std::hint::black_box(c.views()); }
        println!("{w}x{h} hash {hash:?} views {:?}", t.elapsed() / 100);
        let rgba = image::DynamicImage::from(im.to_rgba8());
        let t = Instant::now();
        for _ in 0..10 { std::hint::black_box(ContentHash::of(&rgba, Orientation::NoTransforms)); }
        println!("   rgba {:?}", t.elapsed() / 10);
    }
    let validity = Validity { not_before: Date::new(2024,1,1).unwrap(), not_after: Date::new(2044,1,1).unwrap() };
    let identity = Identity::generate([7; 32].into(), "CredLink example", validity).unwrap();
    let _ = std::fs::remove_dir_all("/tmp/credlink-check");
    std::fs::create_dir_all("/tmp/credlink-check").unwrap();
    std::fs::write("/tmp/credlink-check/anchor.pem", identity.anchor().unwrap().pem()).unwrap();
    let signer = Signer::new(identity.clone()).unwrap();
    for name in ["kodak23_parrots.png", "sk_hubble.jpg", "sk_retina.jpg"] {
        let bytes = std::fs::read(format!("/work/shared/corpus/photos/{name}")).unwrap();
        let image = Arc::new(image::load_from_memory(&bytes).unwrap());
        let decode = |_: &[u8]| Ok(Pixels { image: image.clone(), orientation: Orientation::NoTransforms });
        let t = Instant::now();
        let mut signed = None;
        let mut sign = std::time::Duration::MAX; for k in 0..40 { let t = Instant::now(); signed = Some(signer.sign(&ImageFile::new(&bytes, &decode), ProofId::new(k)).unwrap()); sign = sign.min(t.elapsed()); }
        let _ = t;
        let signed = signed.unwrap();
        let t = Instant::now();
        for _ in 0..20 { std::hint::black_box(ContentHash::of(&image, Orientation::NoTransforms)); }
        let hash = t.elapsed() / 20;
        let b = ProofStoreBuilder::in_memory();
        b.insert(signed.record.clone(), &signed.manifest).unwrap();
        let verifier = Verifier::new(vec![identity.anchor().unwrap()], Arc::new(b.seal().unwrap())).unwrap();
        let start = Instant::now();
        let clock = || start.elapsed().as_nanos() as u64;
        let mut v = None;
        for _ in 0..40 { let w = verifier.verify(&ImageFile::new(&signed.bytes, &decode), &clock); if v.as_ref().is_none_or(|v: &Verification| v.ladder_nanos > w.ladder_nanos) { v = Some(w); } }
        let v = v.unwrap();
        println!("{name} {} KB: sign {sign:?} of which hash {hash:?}; +{} bytes, manifest {}; ladder {} us; {:?} hash {} us", bytes.len()/1024, signed.bytes.len()-bytes.len(), signed.manifest.len(), v.ladder_nanos/1000, v.carriers.iter().map(|c| (c.carrier, c.nanos/1000, c.finding.retrieve_nanos/1000)).collect::<Vec<_>>(), v.hash_nanos/1000);
        std::fs::write(format!("/tmp/credlink-check/{name}"), &signed.bytes).unwrap();
    }
    let pic = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([(x*y/7) as u8, (x+y) as u8, (x^y) as u8]));
    for f in [image::ImageFormat::WebP, image::ImageFormat::Gif, image::ImageFormat::Tiff] {
        let mut o = Cursor::new(Vec::new());
        image::DynamicImage::from(pic.clone()).write_to(&mut o, f).unwrap();
        let b = o.into_inner();
        let image = Arc::new(image::DynamicImage::from(pic.clone()));
        let decode = |_: &[u8]| Ok(Pixels { image: image.clone(), orientation: Orientation::NoTransforms });
        let s = signer.sign(&ImageFile::new(&b, &decode), ProofId::new(1)).unwrap();
        std::fs::write(format!("/tmp/credlink-check/x.{}", f.extensions_str()[0]), &s.bytes).unwrap();
        let s2 = signer.sign(&ImageFile::new(&s.bytes, &decode), ProofId::new(2)).unwrap();
        std::fs::write(format!("/tmp/credlink-check/twice.{}", f.extensions_str()[0]), &s2.bytes).unwrap();
    }
    let avif = std::fs::read("/work/shared/corpus/c2pa/rs_sample1.avif").unwrap();
    let image = Arc::new(image::DynamicImage::from(pic));
    let decode = |_: &[u8]| Ok(Pixels { image: image.clone(), orientation: Orientation::NoTransforms });
    let s = signer.sign(&ImageFile::new(&avif, &decode), ProofId::new(1)).unwrap();
    std::fs::write("/tmp/credlink-check/x.avif", &s.bytes).unwrap();

    let mut state = 1_u64;
    let mut next = || { state = state.wrapping_add(0x9e37_79b9_7f4a_7c15); let mut z = state; z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9); z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb); z ^ (z >> 31) };
    for count in [1_000_000_u64] {
        let b = ProofStoreBuilder::in_memory();
        let m = vec![0_u8; 4];
        let sha: [u8; 32] = { use sha2::Digest; sha2::Sha256::digest(&m).into() };
        for k in 0..count {
            b.insert(ProofRecord { id: ProofId::new(k), fingerprint: Fingerprint([next(), next(), next(), next()]), fingerprint_quality: 100, tone: Tone::default(), media_type: MediaType::Jpeg, width: 1, height: 1, signed_sha256: [0; 32], manifest_sha256: sha, signature: [0; 64] }, &m).unwrap();
        }
        let t = Instant::now();
        let store = b.seal().unwrap();
        let seal = t.elapsed();
        let policy = MatchPolicy::default();
        let mut queries = Vec::new();
        for k in 0..200_u64 { let mut v: Vec<View> = (0..8).map(|_| View { fingerprint: Fingerprint([next(), next(), next(), next()]), tone: Tone::default() }).collect(); if k % 2 == 0 { v[0].fingerprint = store.records()[(k * 37) as usize].fingerprint; v[0].fingerprint.0[1] ^= 0x0101_0101_0101; } queries.push(v); }
        let t = Instant::now();
        let hits = queries.iter().filter(|q| store.nearest(q, 31, &policy).best.is_some()).count();
        let banded = t.elapsed() / 200;
        let t = Instant::now();
        for q in &queries[..10] { std::hint::black_box(store.nearest(q, 32, &policy)); }
        println!("{count}: seal {seal:?}, query of 8 views {banded:?} ({hits} hits), scan {:?}", t.elapsed() / 10);
    }
}

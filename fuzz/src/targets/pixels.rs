//! Pixels of any kind and size: searched for a watermark, and compared with a sketch.

use credlink_sign_core::ProofId;
use credlink_sign_core::fingerprint::ContentHash;
use credlink_sign_core::sketch::{Received, Registered, Sketch};
use credlink_sign_core::watermark::{Effort, EmbedSettings, WatermarkKey, detect, embed};
use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};

use super::made;

/// The id that seeds are marked with.
const MARKED: ProofId = ProofId::new(0x0123_4567_89ab_cdef);
/// The longest side, in pixels.
const LONGEST: u16 = 640;

fn key() -> WatermarkKey {
    WatermarkKey::derive(b"a secret that everybody knows").expect("it is long enough")
}

/// A picture as bytes: its kind, how it is turned, its sides, and its samples, over and over until there are enough.
struct Canvas {
    image: DynamicImage,
    orientation: Orientation,
    /// What is left of the first byte.
    choice: u8,
}

const ORIENTATIONS: [Orientation; 8] = [
    Orientation::NoTransforms,
    Orientation::FlipHorizontal,
    Orientation::Rotate180,
    Orientation::FlipVertical,
    Orientation::Rotate90FlipH,
    Orientation::Rotate90,
    Orientation::Rotate270FlipH,
    Orientation::Rotate270,
];

impl Canvas {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [kind, turn, w0, w1, h0, h1, samples @ ..] = bytes else {
            return None;
        };
        let side =
            |low: &u8, high: &u8| u32::from(u16::from_le_bytes([*low, *high]) % (LONGEST + 1));
        let (width, height) = (side(w0, w1), side(h0, h1));
        Some(Self {
            image: image(kind % 8, width, height, samples),
            orientation: ORIENTATIONS[usize::from(turn % 8)],
            choice: kind / 8,
        })
    }

    /// The bytes of a picture with 8 bits for each of three colours.
    fn written(picture: &DynamicImage, choice: u8) -> Vec<u8> {
        let pixels = picture.to_rgb8();
        let sides = [pixels.width(), pixels.height()].map(|side| (side as u16).to_le_bytes());
        [&[8 * choice + 2, 0][..], &sides.concat(), pixels.as_raw()].concat()
    }
}

fn image(kind: u8, width: u32, height: u32, samples: &[u8]) -> DynamicImage {
    let count = (width * height) as usize;
    let bytes = |channels: usize, size: usize| -> Vec<u8> {
        let source: &[u8] = if samples.is_empty() { &[0] } else { samples };
        source
            .iter()
            .copied()
            .cycle()
            .take(count * channels * size)
            .collect()
    };
    let words = |channels| -> Vec<u16> {
        let pairs = bytes(channels, 2);
        pairs
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    };
    macro_rules! of {
        ($kind:ident, $samples:expr) => {
            ImageBuffer::from_raw(width, height, $samples).map(DynamicImage::$kind)
        };
    }
    let image = match kind {
        0 => of!(ImageLuma8, bytes(1, 1)),
        1 => of!(ImageLumaA8, bytes(2, 1)),
        2 => of!(ImageRgb8, bytes(3, 1)),
        3 => of!(ImageRgba8, bytes(4, 1)),
        4 => of!(ImageLuma16, words(1)),
        5 => of!(ImageRgb16, words(3)),
        6 => of!(ImageRgba16, words(4)),
        _ => {
            let raw = bytes(3, 4);
            let number = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            of!(ImageRgb32F, raw.chunks_exact(4).map(number).collect())
        }
    };
    image.expect("as many samples as pixels ask for")
}

/// A mark is found only where one was put, and whatever is told of it is a number.
pub(crate) fn detected(bytes: &[u8]) {
    let Some(canvas) = Canvas::read(bytes) else {
        return;
    };
    let effort = match canvas.choice % 16 {
        0..=12 => Effort::Direct,
        13 | 14 => Effort::Cheap,
        _ => Effort::Search,
    };
    let found = detect(&canvas.image, canvas.orientation, &key(), effort);
    assert!(found.exponent.is_finite() && found.gate.is_finite() && found.z.is_finite());
    if let Some(id) = found.id {
        assert_eq!(id, MARKED, "{found:?}");
        assert!(found.exponent >= found.gate);
    }
}

/// A sketch is refused or stays what it is; comparing it with any picture gives shares of one.
pub(crate) fn compared(bytes: &[u8]) {
    let [low, high, rest @ ..] = bytes else {
        return;
    };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let Some((coded, rest)) = rest.split_at_checked(length) else {
        return;
    };
    let Ok(sketch) = Sketch::from_bytes(coded.to_vec()) else {
        return;
    };
    assert_eq!(sketch.as_bytes(), coded);
    let json = serde_json::to_string(&sketch).expect("a sketch is text");
    assert_eq!(
        serde_json::from_str::<Sketch>(&json).ok(),
        Some(sketch.clone())
    );
    let Some(canvas) = Canvas::read(rest) else {
        return;
    };
    let (image, orientation) = (&canvas.image, canvas.orientation);
    let size = (u32::from(*low), u32::from(canvas.choice));
    let comparison = Registered::new(&sketch, size).compare(&Received::of(image, orientation));
    for share in [
        comparison.similarity,
        comparison.coverage,
        comparison.largest_difference,
        comparison.local_difference,
    ] {
        assert!((0.0..=1.001).contains(&share), "{comparison:?}");
    }
    let of_picture = Sketch::of(image, orientation);
    assert!(Sketch::from_bytes(of_picture.as_bytes().to_vec()).is_ok());
    assert!(ContentHash::of(image, orientation).quality() <= 100);
}

/// A marked picture, looked at in every way, and others.
pub(crate) fn watermark_seeds() -> Vec<Vec<u8>> {
    let picture = made::picture(320, 240);
    let settings = EmbedSettings::default();
    let none = Orientation::NoTransforms;
    let marked = embed(&picture, none, MARKED, &key(), &settings).image;
    let marked = marked.iter().flat_map(|picture| {
        let choices = [0, 13, 15].into_iter();
        choices.map(|choice| Canvas::written(picture, choice))
    });
    let others = (0..8).map(|kind| vec![kind, kind, 40, 0, 30, 0, 200, 1, 90, 17, 63]);
    marked.chain(others).collect()
}

/// Sketches beside their picture, and beside others.
pub(crate) fn sketch_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (width, height) in [(96, 64), (20, 300)] {
        let picture = made::picture(width, height);
        let sketch = Sketch::of(&picture, Orientation::NoTransforms);
        let coded = sketch.as_bytes();
        let mut head = (coded.len() as u16).to_le_bytes().to_vec();
        head.extend_from_slice(coded);
        for other in [
            picture.clone(),
            picture.crop_imm(4, 4, 16, 40),
            picture.fliph(),
        ] {
            seeds.push([&head[..], &Canvas::written(&other, 1)].concat());
        }
        for kind in 0..8 {
            seeds.push([&head[..], &[kind, kind, 9, 0, 7, 0, 200, 1, 90, 17, 63]].concat());
        }
    }
    seeds
}

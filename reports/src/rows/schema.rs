//! The columns of `rows.parquet`: one list for the writer, the reader's check and the documentation.
#![doc = include_str!("../../SCHEMA.md")]

use credlink_trial_record::{Cell, Embedded, Row};
use polars::prelude::DataType;

use crate::table::{Column, Kind, Table, Value};

/// Version of the row file's schema. It grows when a column changes its meaning, its type or its name; a new
/// column alone does not need a new version, because readers ask for columns by name.
pub const SCHEMA_VERSION: u32 = 4;

/// Key under which [`SCHEMA_VERSION`] stands in the Parquet file's own metadata.
pub const SCHEMA_KEY: &str = "credlink.rows.schema";

/// Key under which the name of the run stands there.
pub const RUN_KEY: &str = "credlink.rows.run";

/// How a column takes its value from a `T`: the type says the column's type and whether it may be null.
pub(crate) enum Take<T: 'static> {
    Text(fn(&T) -> &str),
    OptText(fn(&T) -> Option<&str>),
    Letter(fn(&T) -> char),
    Flag(fn(&T) -> bool),
    OptFlag(fn(&T) -> Option<bool>),
    Byte(fn(&T) -> Option<u8>),
    Small(fn(&T) -> u32),
    OptSmall(fn(&T) -> Option<u32>),
    Big(fn(&T) -> u64),
    OptReal(fn(&T) -> Option<f32>),
}

impl<T> Take<T> {
    pub(crate) fn dtype(&self) -> DataType {
        match self {
            Self::Text(_) | Self::OptText(_) | Self::Letter(_) => DataType::String,
            Self::Flag(_) | Self::OptFlag(_) => DataType::Boolean,
            Self::Byte(_) => DataType::UInt8,
            Self::Small(_) | Self::OptSmall(_) => DataType::UInt32,
            Self::Big(_) => DataType::UInt64,
            Self::OptReal(_) => DataType::Float32,
        }
    }

    /// The type in the words of the documentation, with a question mark where the value may be null.
    fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Letter(_) => "string",
            Self::OptText(_) => "string?",
            Self::Flag(_) => "bool",
            Self::OptFlag(_) => "bool?",
            Self::Byte(_) => "u8?",
            Self::Small(_) => "u32",
            Self::OptSmall(_) => "u32?",
            Self::Big(_) => "u64",
            Self::OptReal(_) => "f32?",
        }
    }
}

/// One column: its name, unit ("" where there is none), meaning, and where its value comes from.
pub(crate) struct Spec<T: 'static> {
    pub(crate) name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    pub(crate) take: Take<T>,
}

const fn spec<T>(
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    take: Take<T>,
) -> Spec<T> {
    Spec {
        name,
        unit,
        meaning,
        take,
    }
}

/// Columns that every row file has, in file order.
#[rustfmt::skip]
pub(crate) const ROW_COLUMNS: &[Spec<Row>] = &[
    spec("op", "", "number of the op in the run's plan, unique in the file", Take::Big(|r| r.op)),
    spec("trial", "", "signed, or the kind of a negative trial: unsigned, foreign-key, transplant, watermark-copy, watermark-average, look-alike, replay, edited-claim, collision, resigned-transplant, near-duplicate", Take::Text(|r| r.trial.as_str())),
    spec("pipeline", "", "id of the pipeline", Take::Text(|r| &r.pipeline)),
    spec("family", "", "family of the pipeline", Take::Text(|r| &r.family)),
    spec("grade", "", "evidence grade of the recipe: A, O, B, C or D, best first", Take::Letter(|r| r.grade)),
    spec("provenance", "", "simulated, live or observed: whether a recipe, a real server or a person took the image through the pipeline; null is simulated", Take::OptText(|r| Some(r.provenance.as_str()))),
    spec("image", "", "index of the image in the image set", Take::Small(|r| r.image)),
    spec("name", "", "name of the image", Take::Text(|r| &r.name)),
    spec("source", "", "file that the image was made from; views of one file share it", Take::Text(|r| &r.source)),
    spec("class", "", "class of the image", Take::Text(|r| &r.class)),
    spec("image_format", "", "format of the source image", Take::Text(|r| &r.image_format)),
    spec("width", "px", "displayed width of the source image", Take::Small(|r| r.width)),
    spec("height", "px", "displayed height of the source image", Take::Small(|r| r.height)),
    spec("issued", "", "proof id put on the image, 16 hex digits; null for negative trials", Take::OptText(|r| r.issued.as_deref())),
    spec("outcome", "", "what became of the proof", Take::Text(|r| r.outcome.as_str())),
    spec("survived", "", "whether the outcome counts as survived", Take::Flag(|r| r.survived)),
    spec("recovered_by", "", "first carrier of the ladder that recovered the proof", Take::OptText(|r| r.recovered_by.as_deref())),
    spec("error", "", "what failed, in words", Take::OptText(|r| r.error.as_deref())),
    spec("error_cause", "", "what failed, as a short code", Take::OptText(|r| r.error_cause.as_deref())),
    spec("source_bytes", "bytes", "size of the source file", Take::Big(|r| r.source_bytes)),
    spec("signed_bytes", "bytes", "size of the file that went into the pipeline", Take::Big(|r| r.signed_bytes)),
    spec("received_bytes", "bytes", "size of the file that came out; 0 if none did", Take::Big(|r| r.received_bytes)),
    spec("received_format", "", "format that came out; empty if none did", Take::Text(|r| &r.received_format)),
    spec("received_width", "px", "displayed width that came out", Take::Small(|r| r.received_width)),
    spec("received_height", "px", "displayed height that came out", Take::Small(|r| r.received_height)),
    spec("same_bytes", "", "whether the file that came out is the one that went in, byte for byte", Take::Flag(|r| r.same_bytes)),
    spec("same_pixels", "", "whether its decoded pixels are those that went in; null where the pipeline promises nothing", Take::OptFlag(|r| r.same_pixels)),
    spec("content_distance", "bits", "fingerprint distance between received and registered image", Take::OptSmall(|r| r.content_distance)),
    spec("mark_psnr", "dB", "colour difference made by the watermark alone; null where there is none", Take::OptReal(|r| r.mark_psnr)),
    spec("mark_ssim", "0–1", "structural similarity of luma after the watermark alone; null where there is none", Take::OptReal(|r| r.mark_ssim)),
    spec("sign_psnr", "dB", "colour difference of signed and source image; null where no pixel was changed", Take::OptReal(|r| r.sign_psnr)),
    spec("sign_ssim", "0–1", "structural similarity of the luma of signed and source image; null where no pixel was changed", Take::OptReal(|r| r.sign_ssim)),
    spec("sign_ssimulacra2", "up to 100", "SSIMULACRA 2 of signed and source image: 90 and more is invisible side by side; null where it was not asked for", Take::OptReal(|r| r.sign_ssimulacra2)),
    spec("sign_kept", "", "what the source held beside its pixels and the signed file holds byte for byte, by name, `; ` between them; null where nobody signed", Take::OptText(|r| r.sign_kept.as_deref())),
    spec("sign_changed", "", "the same of what is there with other bytes", Take::OptText(|r| r.sign_changed.as_deref())),
    spec("sign_dropped", "", "the same of what is gone", Take::OptText(|r| r.sign_dropped.as_deref())),
    spec("holds", "", "what the file that entered the pipeline held for people beside its pixels: exif, location, xmp, iptc, icc, png-text, caption, credit, copyright, alt-text, `, ` between them; null where no op was done", Take::OptText(|r| r.holds.as_deref())),
    spec("still_holds", "", "what of that the received file still says", Take::OptText(|r| r.still_holds.as_deref())),
    spec("taken", "", "which steps took which kinds of metadata, `; ` between steps; null where no op was done", Take::OptText(|r| r.taken.as_deref())),
    spec("answered", "", "how the file came back: of a live row what the server said of its answer, attempt by attempt; of an observed one the date, the app, its settings, and how the file was told apart; null where simulated", Take::OptText(|r| r.answered.as_deref())),
    spec("sign_ns", "ns", "time to sign the image, the same on every op of one image; 0 is not measured", Take::Big(|r| r.sign_ns)),
    spec("transform_ns", "ns", "time of the whole pipeline; 0 is not measured", Take::Big(|r| r.transform_ns)),
    spec("codec_ns", "ns", "time of the pipeline inside codecs", Take::Big(|r| r.codec_ns)),
    spec("verify_ns", "ns", "time of the ladder up to its first acceptance; 0 is not measured", Take::Big(|r| r.verify_ns)),
    spec("retrieve_ns", "ns", "time to look up the proof in the proof store; 0 is not measured", Take::Big(|r| r.retrieve_ns)),
];

/// Columns that follow once per carrier, named `{carrier}_{name}`. All are null on an error row that no
/// carrier was examined on.
#[rustfmt::skip]
pub(crate) const CELL_COLUMNS: &[Spec<Cell>] = &[
    spec("embedded", "", "carried, fragile or refused: how well the signed image took this carrier; null for negative trials", Take::OptText(|c| c.embedded.map(Embedded::as_str))),
    spec("state", "", "state in the carrier's own words", Take::Text(|c| c.state.as_str())),
    spec("proof", "", "proof id that the carrier led to", Take::OptText(|c| c.proof.as_deref())),
    spec("accepted", "", "signed: accepted, and it is the issued proof; negative: accepted any proof", Take::Flag(|c| c.accepted)),
    spec("distance", "bits", "distance between received and registered content", Take::OptSmall(|c| c.distance)),
    spec("quality", "0–100", "the carrier's own quality figure", Take::Byte(|c| c.quality)),
    spec("own", "bits, ‰", "what decides, towards the issued proof: fingerprint distance in bits, strength of the watermark's word in thousandths of its gate", Take::OptSmall(|c| c.own)),
    spec("wrong", "bits, ‰", "the same towards a wrong proof: the nearest registered image of another source, a word that is another id", Take::OptSmall(|c| c.wrong)),
    spec("bits", "bits", "how many bits of the word read are those of the word issued; null where no word was read, or the system does not tell it", Take::OptSmall(|c| c.bits)),
    spec("codes", "", "status or cause codes, comma separated", Take::Text(|c| &c.codes)),
    spec("ns", "ns", "time to examine this carrier; 0 is not measured", Take::Big(|c| c.ns)),
    spec("bytes", "bytes", "what the carrier took of the signed file, or of the proof store where it lives there; null where not told apart", Take::OptSmall(|c| c.bytes)),
    spec("sign_ns", "ns", "time of signing that went into this carrier alone; 0 is not measured", Take::Big(|c| c.sign_ns)),
];

/// Columns of [`ROW_COLUMNS`] that files of this version may lack, because they came later: they are read as null.
pub(crate) const LATER_ROW: [&str; 6] = [
    "sign_ssimulacra2",
    "holds",
    "still_holds",
    "taken",
    "provenance",
    "answered",
];

/// The same of [`CELL_COLUMNS`].
pub(crate) const LATER_CELL: [&str; 5] = ["own", "wrong", "bits", "bytes", "sign_ns"];

/// The name of a carrier's column.
pub(crate) fn cell_column(carrier: &str, name: &str) -> String {
    format!("{carrier}_{name}")
}

/// The schema as a table: column, type (with `?` where null is allowed), unit, meaning. `SCHEMA.md` is this
/// table in Markdown, and a test checks that it still is.
pub fn schema_table() -> Table {
    fn line<T>(spec: &Spec<T>, prefix: &str, null: &str) -> Vec<Value> {
        let type_name = spec.take.type_name().trim_end_matches(null);
        vec![
            Value::text(format!("`{prefix}{}`", spec.name)),
            Value::text(format!("{type_name}{null}")),
            Value::text(spec.unit),
            Value::text(spec.meaning),
        ]
    }
    Table {
        id: "schema".to_owned(),
        title: format!("Columns of rows.parquet, schema version {SCHEMA_VERSION}"),
        columns: ["column", "type", "unit", "meaning"]
            .map(|title| Column::new(title, title, Kind::Text))
            .to_vec(),
        rows: ROW_COLUMNS
            .iter()
            .map(|spec| line(spec, "", ""))
            .chain(CELL_COLUMNS.iter().map(|spec| line(spec, "{carrier}_", "?")))
            .collect(),
        notes: vec![
            "Columns of the form {carrier}_… stand once per carrier, in the order of the run's carrier list; all of them are null on an error row that was never verified.".to_owned(),
            format!(
                "The version stands in the Parquet file's own metadata under {SCHEMA_KEY}, the name of the run under {RUN_KEY}."
            ),
        ],
    }
}

//! What cameras write around their pixels: EXIF, ICC profile, XMP.

use std::io::Cursor;

use credlink_image_files::metadata::fields::set_profile_time;
use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use moxcms::ColorProfile;

use super::editorial::Editorial;
use crate::draws::Draws;

/// A colour space to declare. Pixel numbers are taken as being in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Srgb,
    DisplayP3,
}

/// What to put into a file beside its pixels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) camera: Option<Camera>,
    pub(crate) icc: Option<Profile>,
    /// Whether to write an XMP packet that repeats camera and date.
    pub(crate) xmp: bool,
    /// What a newsroom wrote.
    pub(crate) editorial: Option<Editorial>,
}

/// The blocks of bytes that a [`Metadata`] becomes.
pub(crate) struct Parts {
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) icc: Option<Vec<u8>>,
    pub(crate) xmp: Option<Vec<u8>>,
    /// The payload of a JPEG's APP13 segment.
    pub(crate) iptc: Option<Vec<u8>>,
}

impl Metadata {
    pub(crate) fn parts(&self) -> Result<Parts, String> {
        let exif = self.camera.as_ref().map(Camera::exif).transpose()?;
        let icc = self.icc.map(profile_bytes).transpose()?;
        let camera = self.camera.as_ref().filter(|_| self.xmp).map(Camera::xmp);
        let editorial = self.editorial.as_ref();
        Ok(Parts {
            exif,
            icc,
            // A file has one packet; a camera's stays.
            xmp: camera.or_else(|| editorial.map(Editorial::xmp)),
            iptc: editorial.map(Editorial::iptc),
        })
    }
}

/// An ICC profile with a fixed creation date, so that the same image has the same bytes on every day.
fn profile_bytes(profile: Profile) -> Result<Vec<u8>, String> {
    let profile = match profile {
        Profile::Srgb => ColorProfile::new_srgb(),
        Profile::DisplayP3 => ColorProfile::new_display_p3(),
    };
    let mut bytes = profile.encode().map_err(|e| e.to_string())?;
    set_profile_time(&mut bytes, [2020, 1, 1, 0, 0, 0]);
    Ok(bytes)
}

/// A photograph's circumstances.
#[derive(Clone, Debug)]
pub(crate) struct Camera {
    make: &'static str,
    model: &'static str,
    orientation: u16,
    /// `YYYY:MM:DD HH:MM:SS`.
    date: String,
    /// Exposure time is 1 over this, in seconds.
    speed: u32,
    /// Tenths of an f-number.
    aperture: u32,
    sensitivity: u16,
    /// Tenths of a millimetre.
    focal_length: u32,
    /// Degrees north and east.
    place: Option<(f64, f64)>,
}

/// Invented makers: real names would say something untrue about real products.
const MODELS: [(&str, &str); 8] = [
    ("Aldera", "A7 Mirrorless"),
    ("Aldera", "Compact 20"),
    ("Borealis", "Phone 12 Pro"),
    ("Borealis", "Phone SE"),
    ("Cinder", "C-400D"),
    ("Cinder", "C-1X"),
    ("Dorane", "Pocket 5"),
    ("Elmar Works", "Rangefinder M"),
];

impl Camera {
    /// Draws a camera, a date within twelve years and, in a quarter of cases, a place.
    pub(crate) fn drawn(draws: &mut Draws, orientation: u16) -> Camera {
        let (make, model) = draws.pick(&MODELS);
        let date = format!(
            "{}:{:02}:{:02} {:02}:{:02}:{:02}",
            draws.whole(2012, 2023),
            draws.whole(1, 12),
            draws.whole(1, 28),
            draws.below(24),
            draws.below(60),
            draws.below(60)
        );
        let place = (
            f64::from(draws.between(-60.0, 70.0)),
            f64::from(draws.between(-180.0, 180.0)),
        );
        Camera {
            make,
            model,
            orientation,
            date,
            speed: draws.pick(&[15, 30, 60, 125, 250, 500, 1000]),
            aperture: draws.pick(&[18, 20, 28, 40, 56, 80, 110]),
            sensitivity: draws.pick(&[50, 100, 200, 400, 800, 1600, 3200]),
            focal_length: draws.pick(&[42, 57, 180, 350, 500, 850]),
            place: draws.chance(0.25).then_some(place),
        }
    }

    /// The EXIF block: a TIFF structure, without the `Exif` prefix of JPEG.
    fn exif(&self) -> Result<Vec<u8>, String> {
        let text = |s: &str| Value::Ascii(vec![s.as_bytes().to_vec()]);
        let ratio = |num, denom| Value::Rational(vec![Rational { num, denom }]);
        let mut fields = vec![
            (Tag::Make, text(self.make)),
            (Tag::Model, text(self.model)),
            (Tag::Orientation, Value::Short(vec![self.orientation])),
            (Tag::XResolution, ratio(72, 1)),
            (Tag::YResolution, ratio(72, 1)),
            (Tag::ResolutionUnit, Value::Short(vec![2])),
            (Tag::Software, text("Firmware 1.0")),
            (Tag::DateTime, text(&self.date)),
            (Tag::ExifVersion, Value::Undefined(b"0231".to_vec(), 0)),
            (Tag::DateTimeOriginal, text(&self.date)),
            (Tag::DateTimeDigitized, text(&self.date)),
            (Tag::ExposureTime, ratio(1, self.speed)),
            (Tag::FNumber, ratio(self.aperture, 10)),
            (
                Tag::PhotographicSensitivity,
                Value::Short(vec![self.sensitivity]),
            ),
            (Tag::FocalLength, ratio(self.focal_length, 10)),
            (Tag::ColorSpace, Value::Short(vec![1])),
        ];
        if let Some((north, east)) = self.place {
            fields.push((Tag::GPSVersionID, Value::Byte(vec![2, 3, 0, 0])));
            fields.push((
                Tag::GPSLatitudeRef,
                text(if north < 0.0 { "S" } else { "N" }),
            ));
            fields.push((Tag::GPSLatitude, degrees(north)));
            fields.push((
                Tag::GPSLongitudeRef,
                text(if east < 0.0 { "W" } else { "E" }),
            ));
            fields.push((Tag::GPSLongitude, degrees(east)));
        }
        let fields: Vec<Field> = fields
            .into_iter()
            .map(|(tag, value)| Field {
                tag,
                ifd_num: In::PRIMARY,
                value,
            })
            .collect();
        let mut writer = Writer::new();
        for field in &fields {
            writer.push_field(field);
        }
        let mut out = Cursor::new(Vec::new());
        writer.write(&mut out, false).map_err(|e| e.to_string())?;
        Ok(out.into_inner())
    }

    /// An XMP packet with maker, model and date (ISO 16684-1).
    fn xmp(&self) -> Vec<u8> {
        let iso = self.date.replacen(':', "-", 2).replace(' ', "T");
        format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
             xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" xmp:CreateDate=\"{iso}\" \
             xmp:CreatorTool=\"{} {}\" tiff:Make=\"{}\" tiff:Model=\"{}\"/></rdf:RDF></x:xmpmeta>\
             <?xpacket end=\"w\"?>",
            self.make, self.model, self.make, self.model
        )
        .into_bytes()
    }
}

/// Degrees, minutes and hundredths of seconds.
fn degrees(value: f64) -> Value {
    let hundredths = (value.abs() * 360_000.0) as u32;
    let part = |num, denom| Rational { num, denom };
    Value::Rational(vec![
        part(hundredths / 360_000, 1),
        part(hundredths / 6000 % 60, 1),
        part(hundredths % 6000, 100),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_finds_what_the_camera_wrote() {
        let mut draws = Draws::new(4, 4);
        let camera = Camera {
            place: Some((-33.5, 151.25)),
            ..Camera::drawn(&mut draws, 6)
        };
        let exif = exif::Reader::new()
            .read_raw(camera.exif().unwrap())
            .unwrap();
        let get = |tag| exif.get_field(tag, In::PRIMARY).unwrap();
        assert_eq!(get(Tag::Orientation).value.get_uint(0), Some(6));
        assert_eq!(
            get(Tag::Make).display_value().to_string(),
            format!("\"{}\"", camera.make)
        );
        assert_eq!(
            get(Tag::GPSLatitude).display_value().to_string(),
            "33 deg 30 min 0 sec"
        );
        assert_eq!(get(Tag::GPSLatitudeRef).display_value().to_string(), "S");
    }

    #[test]
    fn profiles_are_the_same_on_any_day_and_name_their_primaries() {
        for profile in [Profile::Srgb, Profile::DisplayP3] {
            let bytes = profile_bytes(profile).unwrap();
            assert_eq!(&bytes[24..30], &[0x07, 0xE4, 0, 1, 0, 1]);
            assert_eq!(&bytes[16..20], b"RGB ");
            ColorProfile::new_from_slice(&bytes).unwrap();
        }
        assert_ne!(
            profile_bytes(Profile::Srgb).unwrap(),
            profile_bytes(Profile::DisplayP3).unwrap()
        );
    }
}

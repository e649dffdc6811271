//! What a newsroom writes into its pictures: caption, credit, copyright and alternative text.

use credlink_image_files::metadata::fields;

use crate::draws::Draws;

/// One picture's words.
#[derive(Clone, Debug)]
pub(crate) struct Editorial {
    caption: String,
    byline: &'static str,
    credit: &'static str,
    copyright: String,
    alternative: String,
}

const SUBJECTS: [&str; 6] = [
    "Harbour workers",
    "A school choir",
    "The mayor",
    "Two cyclists",
    "Flood water",
    "Market stalls",
];
const PLACES: [&str; 6] = [
    "in the old town",
    "by the river",
    "in front of the library",
    "at the north gate",
    "on the bridge",
    "after the storm",
];
const PEOPLE: [&str; 4] = [
    "Ana Example",
    "Béla Example",
    "Chidi Example",
    "Dina Example",
];
/// Invented, as the cameras are.
const AGENCIES: [&str; 3] = ["Aldera Press", "Borealis News", "Cinder Pictures"];

impl Editorial {
    pub(crate) fn drawn(draws: &mut Draws) -> Self {
        let (subject, place) = (draws.pick(&SUBJECTS), draws.pick(&PLACES));
        let year = draws.whole(2012, 2023);
        let credit = draws.pick(&AGENCIES);
        Self {
            caption: format!("{subject} {place} & elsewhere, {year}."),
            byline: draws.pick(&PEOPLE),
            credit,
            copyright: format!("© {year} {credit}"),
            alternative: format!("{subject} seen from the front {place}"),
        }
    }

    /// The IPTC-IIM record as the payload of a JPEG's APP13 segment.
    pub(crate) fn iptc(&self) -> Vec<u8> {
        let records = [
            (120, self.caption.clone()),
            (80, self.byline.to_owned()),
            (110, self.credit.to_owned()),
            (116, self.copyright.clone()),
        ];
        fields::iptc(&records).to_vec()
    }

    /// The XMP packet (IPTC Photo Metadata 2023.1).
    pub(crate) fn xmp(&self) -> Vec<u8> {
        let language = |name: &str, text: &str| {
            let text = text.replace('&', "&amp;");
            format!(
                "<{name}><rdf:Alt><rdf:li xml:lang=\"x-default\">{text}</rdf:li></rdf:Alt></{name}>"
            )
        };
        format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
             xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\" \
             xmlns:Iptc4xmpCore=\"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/\" photoshop:Credit=\"{}\">\
             {}{}{}<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>\
             </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>",
            self.credit,
            language("dc:description", &self.caption),
            language("dc:rights", &self.copyright),
            language("Iptc4xmpCore:AltTextAccessibility", &self.alternative),
            self.byline,
        )
        .into_bytes()
    }

    /// Keywords and texts of a PNG (PNG, third edition, table 18).
    pub(crate) fn png(&self) -> [(&'static str, &str); 3] {
        [
            ("Description", &self.caption),
            ("Author", self.byline),
            ("Copyright", &self.copyright),
        ]
    }
}

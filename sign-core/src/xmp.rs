//! The provenance link inside an XMP packet.
//!
//! C2PA points to a manifest kept elsewhere by the XMP property `dcterms:provenance` (C2PA 2.x, "Embedding
//! a reference to an externally stored C2PA Manifest"). This file reads every spelling that RDF allows
//! (attribute, element, `rdf:resource`) under any prefix, and edits a packet by cutting and inserting
//! bytes, so everything else in it stays as it was.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, QName, ResolveResult};

const DCTERMS: &[u8] = b"http://purl.org/dc/terms/";
const MEDIA: &[u8] = b"http://ns.adobe.com/xap/1.0/mm/";
const RDF: &[u8] = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// A packet is read up to this many links; no honest packet has more than one.
const MAX_LINKS: usize = 16;

/// Comparisons of prefixes that reading a packet may cost, far more than any honest one does: each name is compared with the
/// prefixes in scope, and a packet of 16 MB could put a million names into a scope of a million prefixes.
const MAX_COMPARED: usize = 100_000_000;

/// Elements within each other; the parser counts them in sixteen bits.
const DEEPEST: u16 = 256;

/// Attributes of one local name that are told apart by their namespace.
const MAX_NAMESAKES: usize = 4;

/// Why a packet could not take the link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmpError {
    /// The packet is not UTF-8.
    #[error("existing XMP packet is not UTF-8")]
    NotUtf8,
    /// The packet is not well-formed XML, so nothing can be added to it without guessing.
    #[error("existing XMP packet is not well-formed at byte {0}")]
    Malformed(u64),
    /// The packet cannot be unpacked, or is longer than anybody's.
    #[error("existing XMP packet cannot be read")]
    Unreadable,
    /// There is no RDF element to add a property to.
    #[error("existing XMP packet has no rdf:RDF element")]
    NoRdf,
}

/// What an element is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Rdf,
    Description,
    Provenance,
    Instance,
    Other,
}

fn role(namespace: &ResolveResult<'_>, element: QName<'_>) -> Role {
    let ResolveResult::Bound(Namespace(namespace)) = namespace else {
        return Role::Other;
    };
    match (*namespace, element.local_name().as_ref()) {
        (RDF, b"RDF") => Role::Rdf,
        (RDF, b"Description") => Role::Description,
        (DCTERMS, b"provenance") => Role::Provenance,
        (MEDIA, b"InstanceID") => Role::Instance,
        _ => Role::Other,
    }
}

/// Takes from `left` what the next name costs; `None` where a packet is made to cost more, or is deeper, than any honest one.
fn spend(reader: &NsReader<&[u8]>, left: &mut usize) -> Option<()> {
    let resolver = reader.resolver();
    let in_scope = resolver.bindings().size_hint().1.unwrap_or(usize::MAX);
    *left = left.checked_sub(in_scope.saturating_add(1))?;
    (resolver.level() <= DEEPEST).then_some(())
}

/// The attributes of `element` whose expanded name is `namespace` + `name`.
fn attribute<'e>(
    reader: &NsReader<&[u8]>,
    element: &'e BytesStart<'_>,
    namespace: &[u8],
    name: &[u8],
) -> Option<quick_xml::events::attributes::Attribute<'e>> {
    element
        .attributes()
        .with_checks(false)
        .flatten()
        .filter(|attribute| attribute.key.local_name().as_ref() == name)
        .take(MAX_NAMESAKES)
        .find(|attribute| {
            let (resolved, _) = reader.resolver().resolve_attribute(attribute.key);
            matches!(resolved, ResolveResult::Bound(Namespace(found)) if found == namespace)
        })
}

/// The provenance links of a packet, in order. Damaged packets give what stands before the damage.
pub(crate) fn links(packet: &[u8]) -> Vec<String> {
    let mut links = Vec::new();
    let Ok(text) = std::str::from_utf8(packet) else {
        return links;
    };
    let mut reader = NsReader::from_str(trimmed(text));
    let mut left = MAX_COMPARED;
    while links.len() < MAX_LINKS && spend(&reader, &mut left).is_some() {
        let Ok((namespace, event)) = reader.read_resolved_event() else {
            break;
        };
        let (element, open) = match &event {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::Eof => break,
            _ => continue,
        };
        let (source, name) = match role(&namespace, element.name()) {
            Role::Description => (DCTERMS, b"provenance".as_slice()),
            Role::Provenance => (RDF, b"resource".as_slice()),
            _ => continue,
        };
        let is_property = source == RDF;
        if let Some(value) = attribute(&reader, element, source, name)
            .and_then(|found| found.normalized_value(XmlVersion::Implicit1_0).ok())
        {
            links.push(value.trim().to_owned());
        } else if is_property && open {
            let Ok(text) = reader.read_text(element.name()) else {
                break;
            };
            let text = text.decode().ok();
            if let Some(value) = text
                .and_then(|text| Some(quick_xml::escape::unescape(&text).ok()?.trim().to_owned()))
            {
                links.push(value);
            }
        }
    }
    links
}

/// Packets of some writers end in NUL padding, which is no XML.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_end_matches('\0')
}

/// A packet that says where the proof is: `existing` with its provenance property set to `link`, every other
/// byte kept, or a minimal packet. `instance` takes the place of the packet's own `xmpMM:InstanceID`, if it has one: it
/// names one rendition (ISO 16684-1, "Digital asset identifiers"), and pixels that changed make another.
pub(crate) fn with_link(
    existing: Option<&[u8]>,
    link: &str,
    instance: Option<&str>,
) -> Result<Vec<u8>, XmpError> {
    let value = quick_xml::escape::escape(link);
    match existing {
        Some(packet) => {
            let text = std::str::from_utf8(packet).map_err(|_| XmpError::NotUtf8)?;
            let text = trimmed(text);
            let edits = edits(text, &value, instance)?;
            let mut out = String::with_capacity(text.len() + 256);
            let mut at = 0;
            for (range, insertion) in edits {
                // An id within a property that goes, goes with it.
                if range.start < at {
                    continue;
                }
                out.push_str(&text[at..range.start]);
                out.push_str(&insertion);
                at = range.end;
            }
            out.push_str(&text[at..]);
            Ok(out.into_bytes())
        }
        None => Ok(format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
             dcterms:provenance=\"{value}\"/>\
             </rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
        )
        .into_bytes()),
    }
}

/// The packet without the white space that writers leave in front of its end, as room for edits in place.
pub(crate) fn without_padding(packet: &[u8]) -> Vec<u8> {
    let Some(end) = packet
        .windows(13)
        .rposition(|window| window == b"<?xpacket end")
    else {
        return packet.trim_ascii_end().to_vec();
    };
    [packet[..end].trim_ascii_end(), &packet[end..]].concat()
}

type Edit = (Range<usize>, String);

/// The property as an attribute. A prefix of our own cannot clash with what the packet means by `dcterms`; where it means the
/// same, readers that look for the literal prefix find it.
fn property(reader: &NsReader<&[u8]>, value: &str) -> String {
    let resolver = reader.resolver();
    match resolver.resolve_prefix(QName(b"dcterms:x").prefix(), false) {
        ResolveResult::Bound(Namespace(DCTERMS)) => format!(" dcterms:provenance=\"{value}\""),
        ResolveResult::Bound(_) => format!(
            " xmlns:credlinkterms=\"http://purl.org/dc/terms/\" credlinkterms:provenance=\"{value}\""
        ),
        _ => format!(" xmlns:dcterms=\"http://purl.org/dc/terms/\" dcterms:provenance=\"{value}\""),
    }
}

/// The cuts and insertions that replace every provenance property by one. Ascending, disjoint.
fn edits(text: &str, value: &str, instance: Option<&str>) -> Result<Vec<Edit>, XmpError> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut inserted = false;
    let mut rdf = None;
    let mut reader = NsReader::from_str(text);
    let mut start = 0;
    // Elements that are open.
    let mut depth = 0_i64;
    let mut left = MAX_COMPARED;
    loop {
        spend(&reader, &mut left).ok_or(XmpError::Unreadable)?;
        let malformed = XmpError::Malformed(start as u64);
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|_| malformed.clone())?;
        let (element, open) = match &event {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::Eof if depth > 0 => return Err(malformed),
            Event::Eof => break,
            other => {
                depth -= i64::from(matches!(other, Event::End(_)));
                start = position(&reader);
                continue;
            }
        };
        depth += i64::from(open);
        let role = role(&namespace, element.name());
        let end = position(&reader);
        match role {
            Role::Rdf if open => rdf = rdf.or(Some((end, prefix(element)))),
            Role::Description => {
                let old = attribute(&reader, element, DCTERMS, b"provenance");
                if let Some(old) = old {
                    let key = offset(text, old.key.as_ref()).ok_or_else(|| malformed.clone())?;
                    edits.push((
                        attribute_range(text, key).ok_or_else(|| malformed.clone())?,
                        String::new(),
                    ));
                }
                if !inserted {
                    inserted = true;
                    let name_end = start + 1 + element.name().as_ref().len();
                    let property = property(&reader, value);
                    edits.push((name_end..name_end, property));
                }
            }
            Role::Provenance => {
                let end = if open {
                    reader.read_to_end(element.name()).map_err(|_| malformed)?;
                    depth -= 1;
                    position(&reader)
                } else {
                    end
                };
                edits.push((start..end, String::new()));
            }
            _ => {}
        }
        start = position(&reader);
    }
    if !inserted {
        let (at, prefix) = rdf.ok_or(XmpError::NoRdf)?;
        edits.push((
            at..at,
            format!(
                "<{prefix}Description {prefix}about=\"\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
                 dcterms:provenance=\"{value}\"/>"
            ),
        ));
    }
    edits.extend(instance.and_then(|instance| instance_edit(text, instance)));
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    Ok(edits)
}

/// What puts another id in the place of the file's own: that of a description right below the packet's RDF element, as an
/// attribute or as an element of plain text. A resource within may have an id of its own, which it keeps.
fn instance_edit(text: &str, instance: &str) -> Option<Edit> {
    let mut reader = NsReader::from_str(text);
    // Elements that are open, and how many of them the packet's RDF element is the last of.
    let (mut depth, mut rdf_depth) = (0_usize, None);
    let mut left = MAX_COMPARED;
    loop {
        spend(&reader, &mut left)?;
        let (namespace, event) = reader.read_resolved_event().ok()?;
        let (element, open) = match &event {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::Eof => return None,
            other => {
                depth = depth.saturating_sub(usize::from(matches!(other, Event::End(_))));
                continue;
            }
        };
        let below = rdf_depth.map(|rdf: usize| depth - rdf.min(depth));
        match (role(&namespace, element.name()), below) {
            (Role::Rdf, None) => rdf_depth = Some(depth + 1),
            (Role::Description, Some(0)) => {
                if let Some(old) = attribute(&reader, element, MEDIA, b"InstanceID") {
                    let name = String::from_utf8_lossy(old.key.as_ref()).into_owned();
                    let range = attribute_range(text, offset(text, old.key.as_ref())?)?;
                    return Some((range, format!(" {name}=\"{instance}\"")));
                }
            }
            (Role::Instance, Some(1)) if open && element.attributes().next().is_none() => {
                let inner = reader.read_to_end(element.name()).ok()?;
                let place = |at: u64| usize::try_from(at).ok();
                return Some((place(inner.start)?..place(inner.end)?, instance.to_owned()));
            }
            _ => {}
        }
        depth += usize::from(open);
    }
}

/// `rdf:` or whatever the packet calls it.
fn prefix(element: &BytesStart<'_>) -> String {
    element
        .name()
        .prefix()
        .map(|prefix| format!("{}:", String::from_utf8_lossy(prefix.as_ref())))
        .unwrap_or_default()
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// Where in `text` a part that was borrowed from it begins.
fn offset(text: &str, part: &[u8]) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (text.as_bytes().get(at..at + part.len())? == part).then_some(at)
}

/// From the white space before the name of an attribute to its closing quote.
fn attribute_range(text: &str, name: usize) -> Option<Range<usize>> {
    let start = text.get(..name)?.trim_end().len();
    let rest = text.get(name..)?;
    let equals = rest.find('=')?;
    let value = rest[equals + 1..].trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let close = value[1..].find(quote)?;
    Some(start..name + rest.len() - value.len() + close + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RICH: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <r:Description r:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
   dc:format='image/jpeg'><dc:title>Größe &amp; Form</dc:title></r:Description>
 <r:Description r:about=""/>
</r:RDF></x:xmpmeta>
<?xpacket end="w"?>"#;

    fn linked(existing: &str, link: &str) -> String {
        String::from_utf8(with_link(Some(existing.as_bytes()), link, None).unwrap()).unwrap()
    }

    #[test]
    fn padding_is_given_up_and_nothing_else() {
        let padded = b"<x>text</x>  \n \n<?xpacket end=\"w\"?>";
        assert_eq!(without_padding(padded), b"<x>text</x><?xpacket end=\"w\"?>");
        assert_eq!(without_padding(b"<x/>  "), b"<x/>");
    }

    #[test]
    fn a_fresh_packet_holds_the_link() {
        let packet = with_link(None, "https://a.example/p/1?x=1&y=2", None).unwrap();
        assert_eq!(links(&packet), ["https://a.example/p/1?x=1&y=2"]);
    }

    #[test]
    fn everything_else_in_a_packet_stays() {
        let packet = linked(RICH, "https://a.example/p/1");
        assert_eq!(links(packet.as_bytes()), ["https://a.example/p/1"]);
        let added = r#" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="https://a.example/p/1""#;
        assert_eq!(packet.replacen(added, "", 1), RICH);
    }

    #[test]
    fn a_second_link_replaces_the_first() {
        let once = linked(RICH, "https://first.example/1");
        let twice = linked(&once, "https://second.example/22");
        assert_eq!(links(twice.as_bytes()), ["https://second.example/22"]);
        let rest = twice
            .replacen(r#" dcterms:provenance="https://second.example/22""#, "", 1)
            .replacen(r#" xmlns:dcterms="http://purl.org/dc/terms/""#, "", 1);
        assert_eq!(rest, RICH);
    }

    #[test]
    fn every_spelling_of_somebody_elses_link_is_found_and_replaced() {
        let spellings = [
            r#"<r:Description xmlns:t="http://purl.org/dc/terms/" t:provenance='http://x.example/' />"#,
            r#"<r:Description><t:provenance xmlns:t="http://purl.org/dc/terms/"> http://x.example/ </t:provenance></r:Description>"#,
            r#"<r:Description xmlns:t="http://purl.org/dc/terms/"><t:provenance r:resource="http://x.example/"/></r:Description>"#,
            r#"<r:Description xmlns:t="http://purl.org/dc/terms/" t:source="a=b t:provenance='" t:provenance="http://x.example/"></r:Description>"#,
        ];
        for spelling in spellings {
            let packet = format!(
                r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{spelling}</r:RDF>"#
            );
            assert_eq!(
                links(packet.as_bytes()),
                ["http://x.example/"],
                "{spelling}"
            );
            let ours = linked(&packet, "https://ours.example/");
            assert_eq!(links(ours.as_bytes()), ["https://ours.example/"], "{ours}");
        }
    }

    #[test]
    fn a_foreign_meaning_of_the_prefix_does_not_matter() {
        let packet = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dcterms="urn:else" dcterms:provenance="keep"/></rdf:RDF>"#;
        assert!(links(packet.as_bytes()).is_empty());
        let ours = linked(packet, "https://ours.example/");
        assert_eq!(links(ours.as_bytes()), ["https://ours.example/"]);
        assert!(ours.contains(r#"dcterms:provenance="keep""#));
    }

    #[test]
    fn changed_pixels_are_another_instance() {
        let about = r#"xmlns:m="http://ns.adobe.com/xap/1.0/mm/""#;
        let derived = r#"<m:DerivedFrom r:parseType="Resource" xmlns:s="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"><s:instanceID>xmp.iid:9</s:instanceID></m:DerivedFrom>"#;
        for (description, expected) in [
            (
                format!(
                    r#"<r:Description {about} m:InstanceID='xmp.iid:1'>{derived}</r:Description>"#
                ),
                r#" m:InstanceID="xmp.iid:2""#,
            ),
            (
                format!(
                    r#"<r:Description {about}>{derived}<m:InstanceID>xmp.iid:1</m:InstanceID></r:Description>"#
                ),
                "<m:InstanceID>xmp.iid:2</m:InstanceID>",
            ),
        ] {
            let packet = format!(
                r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{description}</r:RDF>"#
            );
            let with = |instance| {
                let packet = with_link(Some(packet.as_bytes()), "https://o.example/", instance);
                String::from_utf8(packet.unwrap()).unwrap()
            };
            let changed = with(Some("xmp.iid:2"));
            assert!(changed.contains(expected), "{changed}");
            assert!(changed.contains("<s:instanceID>xmp.iid:9<"), "{changed}");
            assert!(!changed.contains("iid:1"), "{changed}");
            assert!(with(None).contains("iid:1"));
        }
        assert!(!linked(RICH, "https://o.example/").contains("InstanceID"));
        // A resource in the packet keeps its own, and so does what is no plain text.
        for held in [
            r#"<m:Pantry><r:Bag><r:li><r:Description m:InstanceID="xmp.iid:7"/></r:li></r:Bag></m:Pantry>"#,
            r#"<m:Pantry r:parseType="Resource"><m:InstanceID>xmp.iid:7</m:InstanceID></m:Pantry>"#,
            r#"<m:InstanceID r:parseType="Resource"><r:value>xmp.iid:7</r:value></m:InstanceID>"#,
        ] {
            let packet = format!(
                r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description {about}>{held}</r:Description></r:RDF>"#
            );
            let new = with_link(Some(packet.as_bytes()), "https://o.example/", Some("new"));
            let new = String::from_utf8(new.unwrap()).unwrap();
            assert!(new.contains(held), "{new}");
        }
    }

    #[test]
    fn an_empty_rdf_element_gets_a_description() {
        let packet =
            r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>"#;
        assert_eq!(
            links(linked(packet, "https://o.example/").as_bytes()),
            ["https://o.example/"]
        );
    }

    #[test]
    fn an_instance_id_within_the_old_link_goes_with_it() {
        let packet = r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:t="http://purl.org/dc/terms/" xmlns:m="http://ns.adobe.com/xap/1.0/mm/"><t:provenance><m:InstanceID>xmp.iid:1</m:InstanceID></t:provenance><r:Description/></r:RDF>"#;
        let new = with_link(
            Some(packet.as_bytes()),
            "https://o.example/",
            Some("xmp.iid:2"),
        );
        let new = new.unwrap();
        assert_eq!(links(&new), ["https://o.example/"]);
        assert!(!String::from_utf8(new).unwrap().contains("iid"));
    }

    #[test]
    fn scopes_that_cost_more_than_any_honest_packet_end_the_reading() {
        let link = r#"<r:Description xmlns:t="http://purl.org/dc/terms/" t:provenance="http://x.example/"/>"#;
        let packet = |inner: String| {
            let rdf = r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">"#;
            format!("{rdf}{inner}{link}</r:RDF>").into_bytes()
        };
        // 100 elements within each other with 200 prefixes each, and names that none of them means.
        let bound: String = (0..200).map(|k| format!(" xmlns:p{k}='u'")).collect();
        let scopes = |names: usize| {
            let (open, close) = (format!("<e{bound}>").repeat(100), "</e>".repeat(100));
            packet(format!("{open}{}{close}", "<q:n/>".repeat(names)))
        };
        assert_eq!(links(&scopes(1000)), ["http://x.example/"]);
        assert!(links(&scopes(10_000)).is_empty());
        let refused = with_link(Some(&scopes(10_000)), "x", Some("y"));
        assert_eq!(refused, Err(XmpError::Unreadable));
        // The parser would lose count of so many.
        let deep = packet(format!("{}{}", "<e>".repeat(70_000), "</e>".repeat(70_000)));
        assert!(links(&deep).is_empty());
        assert_eq!(with_link(Some(&deep), "x", None), Err(XmpError::Unreadable));
    }

    #[test]
    fn what_is_no_packet_is_refused_and_has_no_links() {
        for (packet, error) in [
            (&b"\xff\xfe<"[..], XmpError::NotUtf8),
            (b"<a", XmpError::Malformed(0)),
            (b"plain text", XmpError::NoRdf),
            (b"", XmpError::NoRdf),
        ] {
            assert_eq!(with_link(Some(packet), "x", None), Err(error));
            assert!(links(packet).is_empty());
        }
    }
}

//! Plots: whole, readable, the same every time.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use credlink_reports::plots::{Anchor, PICTURES, PLOTS, Scene, Shape, text_width};
use credlink_reports::tables::Evidence;
use support::{CARRIERS, PIPELINES, evidence, header, invented, signed};

fn runs() -> Vec<(&'static str, Evidence)> {
    let (full, rows) = invented(&PIPELINES, 120);
    let (small, few) = invented(&PIPELINES[..3], 12);
    let long = [
        "family/a-pipeline-whose-name-goes-on-and-on-until-no-label-could-ever-hold-it<&>\"'|\u{1}",
    ];
    let mut odd = header(
        &[
            "manifest",
            "a-carrier-with-a-name-for-no-legend-here",
            "c",
            "d",
            "e",
            "f",
            "g",
        ],
        &long,
    );
    odd.partial = true;
    odd.machine.cpu = "A processor with a very long name ".repeat(8);
    vec![
        ("full", evidence(&full, rows)),
        ("small", evidence(&small, few)),
        ("empty", evidence(&header(&CARRIERS, &PIPELINES), vec![])),
        ("nothing", evidence(&header(&[], &[]), vec![])),
        (
            "odd",
            evidence(&odd, vec![signed(0, long[0], 0, "lost", &[false; 7])]),
        ),
    ]
}

fn scenes() -> Vec<(String, Scene)> {
    let mut scenes = Vec::new();
    for (run, evidence) in runs() {
        for plot in PLOTS {
            scenes.push((
                format!("{run}-{}", plot.id),
                (plot.make)(&evidence).unwrap(),
            ));
        }
    }
    assert_eq!(scenes.len(), 5 * PLOTS.len());
    scenes
}

/// Left, top, right, bottom of a text.
fn text_box(shape: &Shape) -> Option<[f64; 4]> {
    let Shape::Text {
        at,
        anchor,
        size,
        words,
        ..
    } = shape
    else {
        return None;
    };
    let width = text_width(words, *size).unwrap();
    let left = match anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - width / 2.0,
        Anchor::End => at.0 - width,
    };
    Some([left, at.1 - size / 2.0, left + width, at.1 + size / 2.0])
}

#[test]
fn no_text_is_cut_and_no_two_texts_overlap() {
    for (name, scene) in scenes() {
        let boxes: Vec<(&Shape, [f64; 4])> = scene
            .shapes
            .iter()
            .filter_map(|shape| Some((shape, text_box(shape)?)))
            .collect();
        assert!(boxes.len() > 3, "{name}");
        for (index, (shape, [left, top, right, bottom])) in boxes.iter().enumerate() {
            let inside =
                *left >= 0.0 && *top >= 0.0 && *right <= scene.width && *bottom <= scene.height;
            assert!(inside, "{name}: {shape:?} leaves the picture");
            for (other, [l, t, r, b]) in &boxes[..index] {
                let apart = right <= l || r <= left || bottom <= t || b <= top;
                assert!(apart, "{name}: {shape:?} overlaps {other:?}");
            }
        }
    }
}

#[test]
fn every_point_lies_inside_the_picture() {
    for (name, scene) in scenes() {
        let inside = |(x, y): (f64, f64)| {
            (0.0..=scene.width).contains(&x) && (0.0..=scene.height).contains(&y)
        };
        for shape in &scene.shapes {
            let whole = match shape {
                Shape::Rect { from, to, .. } | Shape::Line { from, to, .. } => {
                    inside(*from) && inside(*to)
                }
                Shape::Mark { at, .. } | Shape::Text { at, .. } => inside(*at),
            };
            assert!(whole, "{name}: {shape:?}");
        }
    }
}

#[test]
fn titles_say_that_the_pipelines_are_simulated() {
    for (name, scene) in scenes() {
        let says = scene.shapes.iter().any(|shape| match shape {
            Shape::Text { words, .. } => words.contains("simulated pipelines"),
            _ => false,
        });
        assert!(says, "{name}");
    }
}

#[test]
fn every_picture_is_well_formed_and_the_same_twice() {
    let kept = std::env::var_os("CREDLINK_KEEP_PLOTS").map(std::path::PathBuf::from);
    for (name, scene) in scenes() {
        for picture in PICTURES {
            let bytes = (picture.paint)(&scene).unwrap();
            if let Some(folder) = &kept {
                std::fs::write(folder.join(format!("{name}.{}", picture.extension)), &bytes)
                    .unwrap();
            }
            match picture.extension {
                "svg" => check_svg(&name, &bytes, &scene),
                "png" => check_png(&name, &bytes, &scene),
                other => panic!("{other} needs a check of its own here"),
            }
            assert_eq!(
                (picture.paint)(&scene).unwrap(),
                bytes,
                "{name}.{}",
                picture.extension
            );
        }
    }
}

fn check_svg(name: &str, bytes: &[u8], scene: &Scene) {
    use quick_xml::events::Event;
    let text = std::str::from_utf8(bytes).unwrap();
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut depth, mut texts) = (0_i64, 0_usize);
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{name}: {error}"))
        {
            Event::Start(tag) => {
                depth += 1;
                texts += usize::from(tag.name().as_ref() == b"text");
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{name}");
    let wanted = scene
        .shapes
        .iter()
        .filter(|shape| matches!(shape, Shape::Text { .. }))
        .count();
    assert_eq!(texts, wanted, "{name}");
}

fn check_png(name: &str, bytes: &[u8], scene: &Scene) {
    let picture = image::load_from_memory(bytes).unwrap().into_rgb8();
    assert_eq!(
        f64::from(picture.width()),
        (scene.width * 2.0).ceil(),
        "{name}"
    );
    assert_eq!(
        f64::from(picture.height()),
        (scene.height * 2.0).ceil(),
        "{name}"
    );
    assert_eq!(
        picture.get_pixel(0, 0).0,
        [255; 3],
        "{name}: the background is white"
    );
    let ink = picture.pixels().filter(|pixel| pixel.0 != [255; 3]).count();
    assert!(ink > 5000, "{name}: {ink} pixels are drawn on");
}

#[test]
fn pipelines_stand_by_family_and_then_from_best_to_worst() {
    let (header, rows) = invented(&PIPELINES, 60);
    let evidence = evidence(&header, rows);
    let scene = (PLOTS[0].make)(&evidence).unwrap();
    let place = |words: &str| {
        let found = scene.shapes.iter().find_map(|shape| match shape {
            Shape::Text {
                at, words: here, ..
            } if here == words => Some(at.1),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{words} is not in the plot"))
    };
    assert!(place("cdn") < place("chains") && place("chains") < place("social"));
    let mut social: Vec<_> = evidence
        .by_pipeline()
        .into_iter()
        .filter(|p| p.family == "social")
        .collect();
    social.sort_by(|a, b| place(&a.id[7..]).total_cmp(&place(&b.id[7..])));
    let rates: Vec<f64> = social
        .iter()
        .map(|p| p.tally.any.rate.value().unwrap())
        .collect();
    assert!(rates.is_sorted_by(|a, b| a >= b), "{rates:?}");
    assert!(
        rates[0] > rates[rates.len() - 1],
        "the invented run must have something to sort"
    );
}

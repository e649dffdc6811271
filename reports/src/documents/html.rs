//! One HTML file for people: no network, no other file needed.

use super::Document;

pub(super) const DOCUMENT: Document = Document {
    name: "html",
    file: "report.html",
    about: "one self-contained page for people: answer, matrix, curves, gallery, method",
    render: crate::page::html,
};

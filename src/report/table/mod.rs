//! The report as text for a terminal: the verdict first, then what to do, then what it rests on.
//!
//! Everything is laid out as plain text of known width and coloured by line or word, so that colour never moves a
//! column and the text without colour is the same text.

mod advice;
pub(crate) mod canvas;
mod header;
mod rest;
mod why;

use super::{Report, Style};
use canvas::Canvas;

/// Narrower than this nothing fits; wider, lines are no longer readable.
const WIDTH: std::ops::RangeInclusive<u16> = 60..=200;

pub(super) fn render(report: &Report, style: Style) -> String {
    let width = usize::from(style.width.clamp(*WIDTH.start(), *WIDTH.end()));
    let mut canvas = Canvas::new(width, style.colour);
    header::draw(report, &mut canvas);
    advice::draw(report, style, &mut canvas);
    rest::worse(report, style, &mut canvas);
    why::draw(report, style, &mut canvas);
    rest::findings(report, style, &mut canvas);
    rest::rejected(report, style, &mut canvas);
    rest::not_evaluated(report, style, &mut canvas);
    rest::left_out(report, style, &mut canvas);
    rest::next_steps(report, &mut canvas);
    canvas.finish()
}

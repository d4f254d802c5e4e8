//! Lines, wrapped paragraphs, labelled values and tables, within a width.

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, TableStyle, Width,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::neutral;

/// Prose wider than this is tiring to read, however wide the terminal.
const PROSE_WIDTH: usize = 110;
/// Width of the labels before values: the longest is `Belongs with`.
const LABEL_WIDTH: usize = 14;

/// What a piece of text means; the canvas knows its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
    /// A heading of its own line.
    Heading,
    /// SQL to run.
    Code,
}

impl Tone {
    fn ansi(self) -> Ansi {
        let colour = |c: AnsiColor| Ansi::new().fg_color(Some(c.into()));
        match self {
            Self::Plain => Ansi::new(),
            Self::Strong => Ansi::new().bold(),
            Self::Faint => Ansi::new().dimmed(),
            Self::Good => colour(AnsiColor::Green).bold(),
            Self::Warn => colour(AnsiColor::Yellow).bold(),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Heading => colour(AnsiColor::Cyan).bold(),
            Self::Code => colour(AnsiColor::Green),
        }
    }
}

/// One column of a table.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Figures stand right and are never broken.
    pub(crate) figure: bool,
}

pub(crate) struct Canvas {
    out: String,
    width: usize,
    colour: bool,
}

impl Canvas {
    pub(crate) fn new(width: usize, colour: bool) -> Self {
        Self { out: String::new(), width, colour }
    }

    pub(crate) fn finish(mut self) -> String {
        while self.out.ends_with("\n\n") {
            self.out.pop();
        }
        self.out
    }

    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// One line as it is; text that is too wide is the caller's concern.
    pub(crate) fn line(&mut self, indent: usize, tone: Tone, text: &str) {
        let painted = self.paint(tone, text);
        self.out.push_str(&" ".repeat(indent));
        self.out.push_str(&painted);
        self.out.push('\n');
    }

    /// A heading: its text and a rule to the right edge, with a remark at the end.
    pub(crate) fn heading(&mut self, text: &str, remark: &str) {
        self.blank();
        let remark_width = if remark.is_empty() { 0 } else { remark.width() + 2 };
        let room = self.width.saturating_sub(remark_width + 5);
        let text = cut(&neutral::one_line(text), room);
        let fill = self.width.saturating_sub(text.width() + remark_width + 4);
        let mut line = format!("{} {} ", self.paint(Tone::Faint, "──"), self.paint(Tone::Heading, &text));
        line.push_str(&self.paint(Tone::Faint, &"─".repeat(fill)));
        if !remark.is_empty() {
            line.push_str(&self.paint(Tone::Faint, &format!(" {remark}")));
        }
        self.out.push_str(line.trim_end());
        self.out.push('\n');
        self.blank();
    }

    /// A paragraph, wrapped; neutralised, since messages hold names.
    pub(crate) fn prose(&mut self, indent: usize, tone: Tone, text: &str) {
        self.hanging(indent, indent, "", tone, text);
    }

    /// A paragraph with a bullet or number before its first line.
    pub(crate) fn item(&mut self, indent: usize, bullet: &str, text: &str) {
        self.hanging(indent, indent + bullet.width(), bullet, Tone::Plain, text);
    }

    /// A label, and a value wrapped beside it.
    pub(crate) fn labelled(&mut self, label: &str, tone: Tone, text: &str) {
        let text = neutral::one_line(text);
        let indent = 2 + LABEL_WIDTH;
        for (i, part) in wrap(&text, self.prose_width(indent)).iter().enumerate() {
            let label = format!("{:<LABEL_WIDTH$}", if i == 0 { label } else { "" });
            let line = format!("  {}{}", self.paint(Tone::Faint, &label), self.paint(tone, part));
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    pub(crate) fn hanging(&mut self, first: usize, indent: usize, bullet: &str, tone: Tone, text: &str) {
        let text = neutral::one_line(text);
        for (i, part) in wrap(&text, self.prose_width(indent)).iter().enumerate() {
            let lead = if i == 0 { format!("{}{bullet}", " ".repeat(first)) } else { " ".repeat(indent) };
            let painted = self.paint(tone, part);
            self.out.push_str(&lead);
            self.out.push_str(&painted);
            self.out.push('\n');
        }
    }

    fn prose_width(&self, indent: usize) -> usize {
        self.width.min(PROSE_WIDTH).saturating_sub(indent).max(20)
    }

    /// SQL, line by line; lines too wide are cut with a mark where `whole` does not forbid it, and at most `limit` lines
    /// are shown.
    pub(crate) fn sql(&mut self, indent: usize, tone: Tone, text: &str, limit: Option<usize>) {
        let lines = neutral::lines(text);
        let shown = limit.unwrap_or(lines.len());
        // One line more costs no more room than the remark about it.
        let shown = if lines.len() == shown + 1 { lines.len() } else { shown };
        for line in lines.iter().take(shown) {
            let line = if limit.is_some() { cut(line, self.width.saturating_sub(indent)) } else { line.clone() };
            self.line(indent, tone, line.trim_end());
        }
        if lines.len() > shown {
            self.line(indent, Tone::Faint, &format!("… {} more lines (--all shows them)", lines.len() - shown));
        }
    }

    /// A table; without a header where no column has a name. The header and its rule are coloured, the cells are not.
    pub(crate) fn table(&mut self, indent: usize, columns: &[Column], rows: Vec<Vec<String>>) {
        let mut table = comfy_table::Table::new();
        let style = TableStyle::new()
            .header_lines(ContentLineStyle::none().junction(' '))
            .header_separator(LineStyle::none().fill('─').junction('─'))
            .content_lines(ContentLineStyle::none().junction(' '));
        table
            .load_style(style)
            .force_no_tty()
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.width.saturating_sub(indent)).unwrap_or(u16::MAX));
        let named = columns.iter().any(|c| !c.name.is_empty());
        if named {
            table.set_header(columns.iter().map(|c| c.name));
        }
        for row in rows {
            table.add_row(row.iter().map(|cell| neutral::one_line(cell)));
        }
        let widths = table.column_max_content_widths();
        for ((i, column), widest) in columns.iter().enumerate().zip(widths) {
            let Some(drawn) = table.column_mut(i) else { continue };
            drawn.set_padding((0, 1));
            if column.figure {
                drawn.set_cell_alignment(CellAlignment::Right);
                drawn.set_constraint(ColumnConstraint::Absolute(Width::Fixed(widest.saturating_add(1))));
            }
        }
        let mut tone = if named { Tone::Strong } else { Tone::Plain };
        for line in table.lines() {
            let rule = named && line.starts_with('─');
            if rule {
                tone = Tone::Plain;
            }
            self.line(indent, if rule { Tone::Faint } else { tone }, line.trim_end());
        }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = tone.ansi();
        format!("{style}{text}{style:#}")
    }
}

/// At most `width` columns of a line, with `…` where something was cut off.
pub(crate) fn cut(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut taken = String::new();
    let mut room = width.saturating_sub(1);
    for c in line.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > room {
            break;
        }
        room -= wide;
        taken.push(c);
    }
    taken.push('…');
    taken
}

/// Breaks a line between words; a word wider than the room is broken within.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_wide_characters_count_double() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(cut("日本語テスト", 7), "日本語…");
        assert_eq!(cut("short", 5), "short");
    }
}

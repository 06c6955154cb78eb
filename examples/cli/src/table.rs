//! Aligned columns that fit the terminal: where they would not, the widest are cut first. Widths are those of a
//! terminal (a wide character has two columns); control characters never reach it.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::failure::Failure;
use crate::output::{BOLD, Output, PLAIN, styled};

/// Between two columns.
const GAP: usize = 2;
/// Flexible columns are not cut below this while there is another way.
const SHORTEST: usize = 8;
/// No column is cut below this.
const NARROWEST: usize = 4;

/// One cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::styled(text, PLAIN)
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: printable(&text.into()), style }
    }
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    /// Cut before any other is.
    flexible: bool,
    /// Left out where there is no room: the lowest first; 0 never.
    rank: u8,
}

impl Column {
    /// A column that is shown whole as long as possible.
    pub(crate) const fn whole(heading: &'static str) -> Self {
        Self { heading, flexible: false, rank: 0 }
    }

    /// A column of texts that may be cut.
    pub(crate) const fn flexible(heading: &'static str) -> Self {
        Self { heading, flexible: true, rank: 0 }
    }

    /// A column that is left out where there is no room.
    pub(crate) const fn spare(heading: &'static str, rank: u8) -> Self {
        Self { heading, flexible: false, rank }
    }
}

/// Rows below their headings.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Prints the table; columns that hold nothing at all are left out.
    pub(crate) fn print(mut self, output: &Output) -> Result<(), Failure> {
        while let Some(empty) = (0..self.columns.len()).find(|at| self.rows.iter().all(|row| row[*at].text.is_empty())) {
            self.leave_out(empty);
        }
        let headings = self.columns.iter().map(|column| Cell::styled(column.heading, BOLD)).collect();
        self.rows.insert(0, headings);
        let widths = self.fit(output.width());
        for row in &self.rows {
            output.line(laid_out(row, &widths))?;
        }
        Ok(())
    }

    fn leave_out(&mut self, column: usize) {
        self.columns.remove(column);
        for row in &mut self.rows {
            row.remove(column);
        }
    }

    /// Widths that fit: flexible columns give way first, then spare ones go, then the widest are cut.
    fn fit(&mut self, width: Option<usize>) -> Vec<usize> {
        loop {
            let mut widths: Vec<usize> =
                (0..self.columns.len()).map(|at| self.rows.iter().map(|row| row[at].text.width()).max().unwrap_or(0)).collect();
            let Some(width) = width else { return widths };
            let room = width.saturating_sub(GAP * widths.len().saturating_sub(1));
            let flexible: Vec<bool> = self.columns.iter().map(|column| column.flexible).collect();
            shrink(&mut widths, room, SHORTEST, |at| flexible[at]);
            if widths.iter().sum::<usize>() > room
                && let Some(spare) = (0..self.columns.len()).filter(|at| self.columns[*at].rank > 0).min_by_key(|at| self.columns[*at].rank)
            {
                self.leave_out(spare);
                continue;
            }
            shrink(&mut widths, room, NARROWEST, |_| true);
            return widths;
        }
    }
}

/// Takes from the widest of these columns until all fit or none is above `least`.
fn shrink(widths: &mut [usize], room: usize, least: usize, these: impl Fn(usize) -> bool) {
    while widths.iter().sum::<usize>() > room {
        let candidates = widths.iter_mut().enumerate().filter(|(at, width)| these(*at) && **width > least);
        let Some((_, widest)) = candidates.max_by_key(|(_, width)| **width) else { break };
        *widest -= 1;
    }
}

fn laid_out(row: &[Cell], widths: &[usize]) -> String {
    let mut line = String::new();
    let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    for (at, (cell, width)) in row.iter().zip(widths).enumerate().take(last + 1) {
        let text = cut(&cell.text, *width);
        let pad = if at == last { 0 } else { width.saturating_sub(text.width()) + GAP };
        line.push_str(&if cell.style == PLAIN { text } else { styled(cell.style, text) });
        line.extend(std::iter::repeat_n(' ', pad));
    }
    line
}

/// A text in at most `width` columns, with `…` where it was cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used < width
        })
        .collect();
    kept.push('…');
    kept
}

/// A text on one line, without the characters that would steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[Column], widths: &[usize]) -> Table {
        let mut table = Table::new(columns);
        table.row(widths.iter().map(|width| Cell::new("x".repeat(*width))).collect());
        table
    }

    #[test]
    fn flexible_columns_give_way_then_spare_ones_go_then_the_widest_is_cut() {
        let columns = [Column::whole("A"), Column::flexible("B"), Column::spare("C", 1)];
        let widths = [10, 40, 6];
        assert_eq!(table(&columns, &widths).fit(None), widths);
        assert_eq!(table(&columns, &widths).fit(Some(40)), [10, 20, 6]);
        assert_eq!(table(&columns, &widths).fit(Some(27)), [10, 15]);
        assert_eq!(table(&columns, &widths).fit(Some(20)), [10, 8]);
        assert_eq!(table(&columns, &widths).fit(Some(12)), [5, 5]);
        assert_eq!(table(&columns, &widths).fit(Some(0)), [NARROWEST, NARROWEST]);
    }

    #[test]
    fn a_cut_text_fits_and_says_so_whatever_its_characters() {
        assert_eq!(cut("Reading PDFs", 8), "Reading…");
        assert_eq!(cut("Reading", 7), "Reading");
        assert_eq!(cut("日本語のテキスト", 7), "日本語…");
        assert_eq!(printable("a\u{1b}[31m\nb"), "a [31m b");
    }

    #[test]
    fn no_line_ends_in_blanks() {
        let row = [Cell::new("a"), Cell::new(""), Cell::new("")];
        assert_eq!(laid_out(&row, &[3, 4, 5]), "a");
    }
}

//! Aligned columns that fit the terminal: where they would not, the widest are cut first. Widths are those of a
//! terminal (a wide character has two columns); control characters never reach it.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::failure::Failure;
use crate::output::{BOLD, Output, PLAIN, styled};

/// Between two columns.
const GAP: usize = 2;
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

/// Rows below their headings.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Prints the table; columns that hold nothing at all are left out.
    pub(crate) fn print(mut self, output: &Output) -> Result<(), Failure> {
        let used: Vec<bool> =
            (0..self.headings.len()).map(|at| self.rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.text.is_empty()))).collect();
        let headings: Vec<Cell> = self.headings.iter().map(|heading| Cell::styled(*heading, BOLD)).collect();
        self.rows.insert(0, headings);
        for row in &mut self.rows {
            let mut at = 0;
            row.retain(|_| {
                at += 1;
                used.get(at - 1).copied().unwrap_or(false)
            });
        }
        let widths = fitted(&natural(&self.rows), output.width());
        for row in &self.rows {
            output.line(laid_out(row, &widths))?;
        }
        Ok(())
    }
}

fn natural(rows: &[Vec<Cell>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns).map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width()).max().unwrap_or(0)).collect()
}

/// The widths that fit: the widest column gives way until they do.
fn fitted(natural: &[usize], width: Option<usize>) -> Vec<usize> {
    let mut widths = natural.to_vec();
    let Some(width) = width else { return widths };
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let Some(widest) = widths.iter_mut().filter(|width| **width > NARROWEST).max() else { break };
        *widest -= 1;
    }
    widths
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

    #[test]
    fn the_widest_column_gives_way_until_all_fit() {
        assert_eq!(fitted(&[10, 40, 6], Some(40)), [10, 20, 6]);
        assert_eq!(fitted(&[10, 40, 6], None), [10, 40, 6]);
        assert_eq!(fitted(&[30, 30], Some(4)), [NARROWEST, NARROWEST]);
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

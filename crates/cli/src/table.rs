//! Tables for people.

/// Columns of text, each as wide as its widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

/// What stands between two columns.
const GAP: &str = "  ";

impl Table {
    /// With these words above its columns.
    pub(crate) fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| plain(&cell)).into());
    }

    /// One line a row; nothing stands behind the last cell.
    pub(crate) fn text(&self) -> String {
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            format!("{}\n", cells.join(GAP).trim_end())
        };
        let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
        let mut lines = self.rows.iter().map(line);
        let head = lines.next().unwrap_or_default();
        format!("{head}{}\n{}", rules.join(GAP), lines.collect::<String>())
    }
}

/// What others wrote, in one line of which a terminal obeys nothing.
pub(crate) fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// A number with a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["address", "until"]);
        table.row(["ä@example.org".to_owned(), "x".to_owned()]);
        table.row(["b@c".to_owned(), String::new()]);
        assert_eq!(table.text(), "address        until\n─────────────  ─────\nä@example.org  x\nb@c\n");
    }

    #[test]
    fn a_cell_is_nothing_but_text() {
        let mut table = Table::new(&["host"]);
        table.row(["mx\u{1b}[2J\n\u{9b}2Jok".to_owned()]);
        assert_eq!(table.text(), format!("host\n{}\nmx?[2J??2Jok\n", "─".repeat(12)));
    }

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}

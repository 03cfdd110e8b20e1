//! The table of who reads whom: written as Markdown, and read again to see whether it still holds.

use std::{collections::BTreeMap, env, fs};

use crate::folder;

/// What is between two programs in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cell {
    /// One reads what the other made.
    Works,
    /// The peer can't, and this is what it says.
    Refused(String),
}

/// In a cell that works.
const WORKS: &str = "✓";

/// A peer with its version, and its cells by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Column {
    version: String,
    cells: BTreeMap<String, Cell>,
}

/// Tables with one column for each peer. A row is named by its first columns, with ` | ` between them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Headline, the names of the first columns, and rows.
    sections: Vec<(String, String, Vec<String>)>,
    /// By name, in the order of the columns.
    columns: Vec<(String, Column)>,
}

impl Table {
    /// A table for these peers, names and versions.
    #[must_use]
    pub fn new(peers: impl IntoIterator<Item = (String, String)>) -> Self {
        let column = |(name, version)| (name, Column { version, cells: BTreeMap::new() });
        Self { sections: Vec::new(), columns: peers.into_iter().map(column).collect() }
    }

    /// A further section with a headline and the names of its first columns, each a word.
    ///
    /// # Panics
    ///
    /// If they are not words: the peers' columns are known by the blank in front of the version.
    pub fn section(&mut self, headline: &str, names: &str) {
        assert!(names.split(" | ").all(|name| !name.contains(' ')), "{names}");
        self.sections.push((headline.into(), names.into(), Vec::new()));
    }

    /// Puts down one cell in the last section.
    ///
    /// # Panics
    ///
    /// If there is no section or no such peer, or the cell is there already.
    pub fn put(&mut self, row: &str, peer: &str, cell: Cell) {
        let (_, _, rows) = self.sections.last_mut().unwrap();
        if !rows.iter().any(|known| known == row) {
            rows.push(row.into());
        }
        let (_, column) = self.columns.iter_mut().find(|(name, _)| name == peer).unwrap();
        assert!(column.cells.insert(row.into(), cell).is_none(), "{row}: twice");
    }

    /// The tables in Markdown, with the peers' words below.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut notes: Vec<String> = Vec::new();
        let mut text = String::new();
        let peers: Vec<_> = self.columns.iter().map(|(name, column)| format!("{name} {}", column.version)).collect();
        for (headline, names, rows) in &self.sections {
            let width = names.split(" | ").count() + peers.len();
            text += &format!("## {headline}\n\n| {names} | {} |\n|{}\n", peers.join(" | "), "---|".repeat(width));
            for row in rows {
                let cells = self.columns.iter().map(|(name, column)| mark(name, column.cells.get(row), &mut notes));
                text += &format!("| {row} | {} |\n", cells.collect::<Vec<_>>().join(" | "));
            }
            text += "\n";
        }
        text += "## What the peers say\n\n";
        for (i, note) in notes.iter().enumerate() {
            text += &format!("{}. {note}\n", i + 1);
        }
        text
    }

    /// Reads what [`markdown`](Self::markdown) wrote, which may stand in a longer text.
    ///
    /// # Panics
    ///
    /// If it is damaged.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let notes = text.split("## What the peers say\n").nth(1).unwrap_or_default().lines();
        let notes: BTreeMap<&str, &str> = notes.filter_map(|line| line.split_once(". ")).collect();
        let mut table = Self::default();
        let mut headline = "";
        // How many columns name the rows.
        let mut first = 0;
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(text) = line.strip_prefix("## ") {
                headline = text;
            }
            let Some(line) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { continue };
            let cells: Vec<&str> = line.split(" | ").collect();
            if lines.next_if(|line| line.starts_with("|---|")).is_some() {
                let peers: Vec<_> = cells.iter().filter_map(|cell| cell.split_once(' ')).collect();
                first = cells.len() - peers.len();
                if table.columns.is_empty() {
                    table = Self::new(peers.into_iter().map(|(name, version)| (name.into(), version.into())));
                }
                table.section(headline, &cells[..first].join(" | "));
                continue;
            }
            let peers: Vec<String> = table.columns.iter().map(|(name, _)| name.clone()).collect();
            for (peer, cell) in peers.iter().zip(&cells[first..]) {
                let note = || notes.get(cell).and_then(|note| note.strip_prefix(&format!("{peer}: ")));
                let cell = match *cell {
                    WORKS => Cell::Works,
                    "" => continue,
                    _ => Cell::Refused(note().unwrap().trim_matches('`').into()),
                };
                table.put(&cells[..first].join(" | "), peer, cell);
            }
        }
        table
    }

    /// Compares it with the one in this file of `docs`, behind an introduction, or writes it there if
    /// `SEALPOST_BASELINES` is set.
    ///
    /// # Panics
    ///
    /// If they differ.
    pub fn is_in(&self, file: &str, introduction: &str) {
        let file = folder().join("../docs").join(file);
        if env::var_os("SEALPOST_BASELINES").is_some() {
            return fs::write(file, format!("{introduction}{}", self.markdown())).unwrap();
        }
        let differences = self.differences(&Self::read(&fs::read_to_string(file).unwrap_or_default()));
        let again = "If it is meant to be so, run the test again with SEALPOST_BASELINES=write";
        assert!(differences.is_empty(), "{}\n{again}", differences.join("\n"));
    }

    /// What is otherwise than `before`, a line for each cell. A peer of another version may read more than it did, but
    /// not less; a peer that isn't there is not looked at.
    #[must_use]
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, column) in &self.columns {
            let Some((_, old)) = before.columns.iter().find(|(old, _)| old == name) else {
                differences.push(format!("{name}: it is not in the table"));
                continue;
            };
            let rows: std::collections::BTreeSet<_> = column.cells.keys().chain(old.cells.keys()).collect();
            for row in rows {
                let (is, was) = (column.cells.get(row), old.cells.get(row));
                let other = column.version != old.version && was != Some(&Cell::Works) && is.is_some();
                if is != was && !other {
                    differences.push(format!("{row}: {name}: {is:?}, in the table {was:?}"));
                }
            }
        }
        differences
    }
}

fn mark(peer: &str, cell: Option<&Cell>, notes: &mut Vec<String>) -> String {
    match cell {
        None => String::new(),
        Some(Cell::Works) => WORKS.into(),
        Some(Cell::Refused(words)) => {
            let note = format!("{peer}: `{}`", words.replace('`', "'"));
            let number = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
                notes.push(note);
                notes.len() - 1
            });
            (number + 1).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(version: &str, cells: [Cell; 2]) -> Table {
        let mut table = Table::new([("OpenSSL".into(), "3".into()), ("NSS".into(), version.into())]);
        table.section("Signatures", "key | way");
        for peer in ["OpenSSL", "NSS"] {
            table.put("RSA | ours", peer, Cell::Works);
        }
        let [one, other] = cells;
        table.put("EC | ours", "OpenSSL", one);
        table.put("EC | ours", "NSS", other);
        table
    }

    fn refused() -> Cell {
        Cell::Refused("it said: no | never".into())
    }

    #[test]
    fn what_is_written_is_read() {
        let table = table("4", [refused(), refused()]);
        let text = format!("# Interop\n\nText.\n\n{}", table.markdown());
        assert_eq!(Table::read(&text), table, "{text}");
        assert!(text.contains("| EC | ours | 1 | 2 |\n"), "{text}");
    }

    #[test]
    fn a_peer_of_the_same_version_does_what_it_did() {
        let before = table("4", [Cell::Works, refused()]);
        assert_eq!(before.differences(&before), [""; 0]);
        assert_eq!(table("4", [refused(), refused()]).differences(&before).len(), 1);
        assert_eq!(table("4", [Cell::Works, Cell::Works]).differences(&before).len(), 1);
    }

    #[test]
    fn a_peer_of_another_version_may_do_more() {
        let before = table("4", [Cell::Works, refused()]);
        assert_eq!(table("5", [Cell::Works, Cell::Works]).differences(&before), [""; 0]);
        assert_eq!(before.differences(&table("5", [Cell::Works, Cell::Works])).len(), 1);
    }
}

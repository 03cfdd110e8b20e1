//! A timeline as text: a line for each key, a column for each month or several of them.

use std::fmt;

use super::{Doing, Month, Row, Timeline};
use crate::{Span, Time};

/// So many columns fit beside the names.
const COLUMNS: i64 = 96;

pub(super) fn write(line: &Timeline, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let months = Month::of(line.to).since(Month::of(line.from)) + 1;
    let step = (months + COLUMNS - 1).div_euclid(COLUMNS).max(1);
    let first = Month::of(line.from);
    let columns: Vec<(Time, Time)> = (0..(months + step - 1).div_euclid(step))
        .map(|column| (first.plus(column * step).start(), first.plus((column + 1) * step).start()))
        .collect();
    let marked = !(line.outages.is_empty() && line.alarms.is_empty() && line.gaps.is_empty());
    let names = line.rows.iter().map(|row| row.name().len()).chain(marked.then_some("outages".len()));
    let width = names.max().unwrap_or(0);

    writeln!(f, "{}", line.title)?;
    writeln!(f, "{}\n", line.summary())?;
    writeln!(f, "{:width$}  {}", "", years(first, step, columns.len()))?;
    for row in &line.rows {
        let bar: String = columns.iter().map(|&column| symbol(row, column)).collect();
        writeln!(f, "{:width$}  {}", row.name(), bar.trim_end())?;
    }
    let outages: Vec<_> = line.outages.iter().map(|&(from, span)| (from, from + span)).collect();
    let alarms: Vec<_> = line.alarms.iter().map(|&(at, _)| (at, at + Span::seconds(1))).collect();
    for (name, sign, times) in [("outages", 'x', &outages), ("alarms", '!', &alarms), ("gaps", '#', &line.gaps)] {
        let within = |(from, to): (Time, Time)| times.iter().any(|&(at, until)| at < to && from < until);
        let marks: String = columns.iter().map(|&column| if within(column) { sign } else { ' ' }).collect();
        if !times.is_empty() {
            writeln!(f, "{name:width$}  {}", marks.trim_end())?;
        }
    }
    let column = if step == 1 { "a month".to_owned() } else { format!("{step} months") };
    writeln!(f, "\n◆ key made   █ in use   ▒ decrypts, certificate valid   ─ decrypts on   (a column is {column})")
}

/// The years above the columns of their Januaries.
fn years(first: Month, step: i64, columns: usize) -> String {
    let mut head = String::new();
    for (column, place) in (0..columns).zip(0_i64..) {
        let month = first.plus(place * step);
        // A column of several months begins the year that begins in it.
        let begins = place == 0 || month.of_year() < step;
        let last = month.plus(step - 1).year();
        if begins && head.chars().count() < column.max(1) {
            head.extend(std::iter::repeat_n(' ', column - head.chars().count()));
            head.push_str(&last.to_string());
        }
    }
    head
}

fn symbol(row: &Row, (from, to): (Time, Time)) -> char {
    if from <= row.made && row.made < to {
        return '◆';
    }
    match row.doing(from) {
        Doing::Nothing => ' ',
        Doing::Made => '·',
        Doing::Used => '█',
        Doing::Decrypts => '▒',
        Doing::DecryptsOn => '─',
    }
}
